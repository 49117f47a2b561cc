import { inTransaction } from '@centra/service-kit/database.ts';
import type { Pool, PoolClient } from '@centra/service-kit/database.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { startLoop } from '@centra/service-kit/loop.ts';

/** One validation of a key, at the database's time. */
export type Use = { merchantId: string; keyId: string; at: Date };

export type UsageRecorder = {
  /** Remembers a use; costs no write. */
  note(use: Use): void;
  /** Writes what was remembered, and ends. */
  stop(): Promise<void>;
};

type Entry = Use & { validations: number };

// One statement's arrays stay far under a megabyte, and its row locks short.
const BATCH_MAX = 1_000;
// Only filled while writing fails though validating works. Beyond it use goes unrecorded: better than the memory.
const ENTRIES_MAX = 100_000;
// The number is arbitrary but ours.
const USAGE_LOCK = 7_203_201;

/** Collects use in memory and writes it every `intervalMs`, so that a validation is only a read. */
export function startUsageRecorder(options: { pool: Pool; log: Logger; intervalMs: number }): UsageRecorder {
  const entries = new Map<string, Entry>();
  const note = (use: Use, validations = 1): void => {
    const key = `${use.keyId} ${dayOf(use.at)}`;
    const known = entries.get(key);
    if (known === undefined) {
      if (entries.size < ENTRIES_MAX) entries.set(key, { ...use, validations });
      return;
    }
    known.validations += validations;
    if (use.at > known.at) known.at = use.at;
  };
  const flush = async (): Promise<{ more: boolean }> => {
    const batch = [...entries].slice(0, BATCH_MAX);
    if (batch.length === 0) return { more: false };
    for (const [key] of batch) entries.delete(key);
    const uses = batch.map(([, entry]) => entry);
    try {
      await writeUses(options.pool, uses);
    } catch (error) {
      for (const { validations, ...use } of uses) note(use, validations);
      throw error;
    }
    return { more: entries.size > 0 };
  };
  const loop = startLoop({ name: 'record-usage', intervalMs: options.intervalMs, log: options.log }, flush);
  return {
    note: (use) => note(use),
    async stop() {
      await loop.stop();
      while ((await flush()).more);
    },
  };
}

/** The UTC day: entries of two days are counted apart. */
function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}

async function writeUses(pool: Pool, uses: readonly Entry[]): Promise<void> {
  const values = [
    uses.map((use) => use.merchantId),
    uses.map((use) => use.keyId),
    uses.map((use) => use.at),
    uses.map((use) => use.validations),
  ];
  await inTransaction(pool, async (client) => {
    await lockUsage(client);
    await client.query({ name: 'record-usage', text: RECORD_USAGE, values });
  });
}

/** Replicas, and those who report to them, write the same keys' rows; one at a time they cannot deadlock. */
export async function lockUsage(client: PoolClient): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [USAGE_LOCK]);
}

// A replica that was slow to write must not set the time back.
const RECORD_USAGE = `
with used as (
  select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[]) as used (merchant_id, api_key_id, at, validations)
), counted as (
  insert into api_key_usage as usage (merchant_id, api_key_id, day, validations)
  select merchant_id, api_key_id, (at at time zone 'UTC')::date, validations from used
  on conflict (merchant_id, api_key_id, day) do update set validations = usage.validations + excluded.validations
)
update api_keys set last_validated_at = latest.at
from (select merchant_id, api_key_id, max(at) as at from used group by merchant_id, api_key_id) as latest
where api_keys.merchant_id = latest.merchant_id and api_keys.id = latest.api_key_id
  and (api_keys.last_validated_at is null or api_keys.last_validated_at < latest.at)`;
