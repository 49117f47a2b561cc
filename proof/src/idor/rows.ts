import type { Platform } from '@centra/dev/platform.ts';
import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import { z } from 'zod';

// What is stored, read as the database's superuser, whom no row level security binds.

/** Runs one statement in a service's database. */
export async function sql(
  platform: Pick<Platform, 'databaseUrls'>,
  service: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<QueryResultRow[]> {
  return await inDatabase(platform, service, async (client) => (await client.query(text, [...values])).rows);
}

/** A session of the superuser for the time of `use`. */
export async function inDatabase<T>(
  { databaseUrls }: Pick<Platform, 'databaseUrls'>,
  service: string,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const url = new URL(databaseUrls[service] ?? '');
  url.username = 'postgres';
  const client = new Client({ connectionString: url.toString() });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Services with tables of their own. */
export const WITH_TABLES = ['auth', 'merchant', 'payment-api', 'transaction'] as const;
export type WithTables = (typeof WITH_TABLES)[number];

const tableSchema = z.object({
  name: z.string(),
  /** Its rows name the hotel. */
  tenant: z.boolean(),
  /** Its rows name an account at the built-in simulator. */
  account: z.boolean(),
  forced: z.boolean(),
  owner: z.string(),
});
export type Table = z.infer<typeof tableSchema>;

/** Every table of a database, and whether its rows belong to hotels. */
export async function tablesOf(client: Client): Promise<Table[]> {
  const { rows } = await client.query(`
    select c.oid::regclass::text as name, c.relforcerowsecurity as forced, pg_get_userbyid(c.relowner) as owner,
           exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'merchant_id') as tenant,
           exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'account_id') as account
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
     order by 1`);
  return z.array(tableSchema).parse(rows);
}

/** Of each table (`transaction.payments`) how many rows a hotel has, and the digest of all of them. */
export type Holdings = ReadonlyMap<string, { rows: number; digest: string }>;

export type HoldingsReader = { read(merchantId: string): Promise<Holdings>; close(): Promise<void> };

/** Keeps a session in each database open, since it is asked after every case. */
export async function openHoldings({ databaseUrls }: Platform): Promise<HoldingsReader> {
  const sessions = await Promise.all(
    WITH_TABLES.map(async (service) => {
      const url = new URL(databaseUrls[service] ?? '');
      url.username = 'postgres';
      const client = new Client({ connectionString: url.toString() });
      await client.connect();
      const tables = (await tablesOf(client)).filter(({ tenant, account }) => tenant || account);
      return { service, client, question: tables.map(digestOf).join(' union all ') };
    }),
  );
  const accountsOf = async (merchantId: string): Promise<string[]> => {
    const question = 'select id from provider_accounts where merchant_id = $1';
    const rows = await sql({ databaseUrls }, 'merchant', question, [merchantId]);
    return z
      .array(z.object({ id: z.string() }))
      .parse(rows)
      .map(({ id }) => id);
  };
  return {
    async read(merchantId) {
      const accounts = await accountsOf(merchantId);
      const parts = await Promise.all(
        sessions.map(async ({ service, client, question }) => {
          const { rows } = await client.query(question, [merchantId, accounts]);
          return z
            .array(holdingSchema)
            .parse(rows)
            .map(({ name, ...rest }) => [`${service}.${name}`, rest] as const);
        }),
      );
      return new Map(parts.flat());
    },
    async close() {
      await Promise.all(sessions.map(async ({ client }) => await client.end()));
    },
  };
}

const holdingSchema = z.object({ name: z.string(), rows: z.int(), digest: z.string() });

// When the loops of a service next look at a row, and how often they did: an operation in doubt and an event without a payment
// are looked at now and then whoever asks for what.
const OF_LOOPS = `'{attempt,attempts,due_at,held_until,tried_at,absent_since,asked_at,hold_due_at}'::text[]`;

/** `$1` is the hotel, `$2` its accounts. Rows are put in order by their own text, so that no key need be known. */
function digestOf({ name, tenant }: Table): string {
  return `select '${name}' as name, count(*)::int as rows,
                 md5(coalesce(string_agg(row::text, '|' order by row::text), '')) as digest
            from ${name} x, lateral (select to_jsonb(x) - ${OF_LOOPS} as row) y
           where ${tenant ? 'merchant_id = $1::uuid' : 'account_id = any($2::text[])'} and $1 is not null and $2::text[] is not null`;
}

/** The tables whose rows are not what they were. */
export function changedTables(before: Holdings, after: Holdings): string[] {
  return [...after].filter(([name, { digest }]) => before.get(name)?.digest !== digest).map(([name]) => name);
}
