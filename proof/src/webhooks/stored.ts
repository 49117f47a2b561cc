import { setTimeout as pause } from 'node:timers/promises';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { withTransactionDatabase } from '../chaos/at-rest.ts';
import type { Stage } from '../stage/stage.ts';

const eventSchema = z.object({
  provider_event_id: z.string(),
  merchant_id: z.string(),
  type: z.string(),
  state: z.string(),
  reason: z.string(),
  payment_id: z.string().nullable(),
});
export type StoredEvent = z.infer<typeof eventSchema>;

/** Every provider event that is stored, of all hotels. */
export async function storedEvents(stage: Stage): Promise<StoredEvent[]> {
  const text = `select provider_event_id, merchant_id, type, state, reason, payment_id from provider_events order by id`;
  return z.array(eventSchema).parse(await rows(stage, text));
}

/** How many payments, operations, steps, outbox rows and disputes there are: what an event that moves nothing leaves alone. */
export async function moneyRows(stage: Stage): Promise<number> {
  const text = `select ((select count(*) from payments) + (select count(*) from operations) + (select count(*) from payment_events)
    + (select count(*) from outbox) + (select count(*) from disputes))::int as count`;
  return z.array(z.object({ count: z.int() })).parse(await rows(stage, text))[0]?.count ?? -1;
}

const stepSchema = z.object({ version: z.int(), type: z.string(), told: z.int() });

/** The history of a payment, each step with how often it is in the outbox. */
export async function stepsOf(stage: Stage, paymentId: string): Promise<z.infer<typeof stepSchema>[]> {
  const text = `
    select e.version, e.type,
           (select count(*) from outbox o where o.merchant_id = e.merchant_id and o.payment_id = e.payment_id
                                            and o.version = e.version)::int as told
      from payment_events e where e.payment_id = $1 order by e.version`;
  return z.array(stepSchema).parse(await rows(stage, text, [fromPublicId('pay', paymentId)]));
}

const REST_MAX_MS = 120_000;
const LOOK_MS = 300;

/**
 * Waits until no operation is open and no event waits to be looked at, but for those of the payment `but`; answers what is
 * not at rest after two minutes.
 */
export async function untilAtRest(stage: Stage, but?: string): Promise<string[]> {
  const spared = but === undefined ? null : fromPublicId('pay', but);
  const text = `
    select concat_ws(' ', 'operation', id, kind, state, unknown_reason) as words from operations
     where state in ('prepared', 'sent', 'unknown') and payment_id is distinct from $1
    union all
    select concat_ws(' ', 'event', id, type, reason) from provider_events
     where state = 'received' and payment_id is distinct from $1`;
  const deadline = performance.now() + REST_MAX_MS;
  for (;;) {
    const open = z.array(z.object({ words: z.string() })).parse(await rows(stage, text, [spared]));
    if (open.length === 0 || performance.now() > deadline) return open.slice(0, 10).map(({ words }) => words);
    await pause(LOOK_MS);
  }
}

async function rows(stage: Stage, text: string, values: unknown[] = []): Promise<unknown[]> {
  return await withTransactionDatabase(stage, async (client) => (await client.query(text, values)).rows);
}
