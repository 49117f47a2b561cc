import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { Client } from 'pg';
import { z } from 'zod';
import { RUN_FILES, clientLineSchema } from '../run-folder.ts';

/** What a hotel was told of a payment: sums only grow, so a later state has at least these. Minor units. */
export type Acknowledged = ReadonlyMap<string, { captured: number; refundIds: readonly string[] }>;

/** Everything that the load was told to be done until now; its journal is on disk before anything else happens. */
export function readAcknowledged(folder: string): Acknowledged {
  const told = new Map<string, { captured: number; refundIds: string[] }>();
  const lines = readFileSync(join(folder, RUN_FILES.client), 'utf8').split('\n');
  // The last line may be half written at this moment.
  for (const text of lines.slice(0, -1)) {
    const line = clientLineSchema.parse(JSON.parse(text));
    if (line.type !== 'ok') continue;
    const known = told.get(line.paymentId) ?? { captured: 0, refundIds: [] };
    known.captured = Math.max(known.captured, line.captured ?? 0);
    if (line.refundId !== null) known.refundIds.push(line.refundId);
    told.set(line.paymentId, known);
  }
  return told;
}

const rowSchema = z.object({ id: z.string(), captured: z.string() });
const ROW_TIMEOUT_MS = 60_000;

/** What is missing or less than told in the transaction database at `url`; empty: all of it is there. */
export async function findLost(url: string, acknowledged: Acknowledged): Promise<string[]> {
  return await asking(url, async (client) => {
    const payments = await client.query<Record<string, unknown>>(
      'select id, captured_minor::text as captured from payments',
    );
    const captured = new Map(
      z
        .array(rowSchema)
        .parse(payments.rows)
        .map((row) => [row.id, Number(row.captured)]),
    );
    const refunds = await client.query<{ id: string }>(`select id from operations where kind = 'refund'`);
    const refundIds = new Set(refunds.rows.map(({ id }) => id));
    return [...acknowledged].flatMap(([publicId, told]) => {
      const stored = captured.get(fromPublicId('pay', publicId) ?? '');
      if (stored === undefined) return [`${publicId} is not there`];
      const less = stored < told.captured ? [`${publicId} captured ${stored}, told ${told.captured}`] : [];
      const gone = told.refundIds.filter((id) => !refundIds.has(fromPublicId('re', id) ?? ''));
      return [...less, ...gone.map((id) => `${id} of ${publicId} is not there`)];
    });
  });
}

// Each answers the first offending rows. Reading every row also has Postgres check the sums of its pages.
const RULES: Readonly<Record<string, string>> = {
  'each step of a payment has its event': `
    select concat_ws(' ', p.id, 'version', p.version, 'events', count(e.version)) as words from payments p
      left join payment_events e on e.merchant_id = p.merchant_id and e.payment_id = p.id
     group by p.merchant_id, p.id, p.version having count(e.version) <> p.version or max(e.version) <> p.version`,
  'each event has its outbox row': `
    select concat_ws(' ', e.payment_id, 'version', e.version) as words from payment_events e
     where not exists (select 1 from outbox o where o.merchant_id = e.merchant_id and o.payment_id = e.payment_id
                         and o.version = e.version)`,
  'sums keep their bounds': `
    select concat_ws(' ', id, authorized_minor, captured_minor, refunded_minor) as words from payments
     where captured_minor < 0 or captured_minor > authorized_minor + overcapture_minor or refunded_minor < 0
        or refunded_minor > captured_minor`,
  'each operation belongs to a payment': `
    select concat_ws(' ', o.id, o.payment_id) as words from operations o
     where not exists (select 1 from payments p where p.merchant_id = o.merchant_id and p.id = o.payment_id)`,
};

/** Rules that do not hold in the transaction database at `url`, each with its first rows. */
export async function findBroken(url: string): Promise<string[]> {
  return await asking(url, async (client) => {
    const broken: string[] = [];
    for (const [rule, sql] of Object.entries(RULES)) {
      const { rows } = await client.query<{ words: string }>(`${sql} limit 5`);
      if (rows.length > 0) broken.push(`${rule}: ${rows.map(({ words }) => words).join('; ')}`);
    }
    return broken;
  });
}

/** Payments that some operation was begun for. */
export async function readPaymentIds(url: string): Promise<Set<string>> {
  return await asking(url, async (client) => {
    const { rows } = await client.query<{ id: string }>('select distinct payment_id as id from operations');
    return new Set(rows.map(({ id }) => id));
  });
}

async function asking<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, query_timeout: ROW_TIMEOUT_MS });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
