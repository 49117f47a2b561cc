import { startLoop } from '@centra/service-kit/loop.ts';
import type { Loop } from '@centra/service-kit/loop.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { Context } from '../context.ts';
import { IN_DOUBT } from './list-unknown-operations.ts';

// As often as metrics are usually scraped.
const MEASURE_INTERVAL_MS = 15_000;

type Gauges = ReturnType<typeof createGauges>;
type QueueRow = { waits_for: 'sweeper' | 'person'; count: number; oldest_s: number };

/** Keeps the gauges of the queue of unknown outcomes. Every replica tells the same: alert on the maximum, not on the sum. */
export function startUnknownMeter(context: Context): Loop {
  const gauges = createGauges(context.metrics);
  const options = { name: 'measure-unknown', intervalMs: MEASURE_INTERVAL_MS, log: context.log };
  return startLoop(options, async () => {
    await measureUnknown(context, gauges);
    return { more: false };
  });
}

export function createGauges(metrics: Metrics) {
  return {
    count: metrics.gauge('centra_unknown_operations', 'Operations whose outcome is not known', ['waits_for']),
    oldest: metrics.gauge('centra_unknown_oldest_seconds', 'Age of the oldest unknown outcome; 0 when none', [
      'waits_for',
    ]),
  };
}

/** Reads the queue's length and the age of its oldest, by who is to find out. */
export async function measureUnknown(context: Pick<Context, 'pool'>, gauges: Gauges): Promise<void> {
  const { rows } = await context.pool.query<QueueRow>({
    name: 'measure-unknown',
    text: `
      select w.waits_for, count(o.id)::int as count,
             coalesce(extract(epoch from now() - min(o.created_at)), 0)::float8 as oldest_s
        from (values ('sweeper'), ('person')) w(waits_for)
        left join (select o.id, o.created_at, case when o.escalated_at is null then 'sweeper' else 'person' end as waits_for
                     from operations o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
                    where ${IN_DOUBT}) o using (waits_for)
       group by w.waits_for`,
  });
  for (const row of rows) {
    gauges.count.set({ waits_for: row.waits_for }, row.count);
    gauges.oldest.set({ waits_for: row.waits_for }, row.oldest_s);
  }
}
