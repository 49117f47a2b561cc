import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { z } from 'zod';
import type { Stage } from '../stage/stage.ts';

/** What still moves by itself: nothing that waits for a person. */
export type Unrest = { operations: string[]; events: string[] };

// Often enough to tell how long it took, rarely enough to take nothing from those who work on it.
const LOOK_MS = 500;

/**
 * Waits until every operation has an end (or is before a person) and every provider event was looked into. Answers what is not
 * at rest after `timeoutMs`, the first of each by name.
 */
export async function untilRest(stage: Pick<Stage, 'postgres'>, timeoutMs: number): Promise<Unrest> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const unrest = await withTransactionDatabase(stage, readUnrest);
    const isAtRest = unrest.operations.length + unrest.events.length === 0;
    if (isAtRest || performance.now() > deadline) return unrest;
    await pause(LOOK_MS);
  }
}

// Enough of them to see what they have in common. What was surely not sent waits a quarter of an hour for its key, whose caller
// was told 503 (docs/decisions/0005): nothing moves it until it is asked again or that time is over.
const UNREST = `
  select (select coalesce(json_agg(open.words), '[]') from (
            select concat_ws(' ', id, kind, state, 'attempt', attempt, unknown_reason) as words from operations
             where state in ('prepared', 'sent', 'unknown') and escalated_at is null
               and not (state = 'prepared' and sequence = 1 and due_at > now()) order by created_at limit 10
          ) as open) as operations,
         (select coalesce(json_agg(waiting.words), '[]') from (
            select concat_ws(' ', id, type, 'attempts', attempts, reason) as words from provider_events
             where state = 'received' order by received_at limit 10
          ) as waiting) as events`;

const unrestSchema = z.object({ operations: z.array(z.string()), events: z.array(z.string()) });

async function readUnrest(client: Client): Promise<Unrest> {
  const { rows } = await client.query<Record<string, unknown>>(UNREST);
  return unrestSchema.parse(rows[0]);
}

// Of a statement over some thousands of rows; a database that was just killed needs some seconds to answer again.
const TIMEOUT_MS = 15_000;

/** One connection of the superuser to the transaction service's database, not through any link. */
export async function withTransactionDatabase<T>(
  { postgres }: Pick<Stage, 'postgres'>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const url = new URL(postgres.url);
  url.pathname = `/${postgres.databases['transaction']}`;
  const client = new Client({
    connectionString: url.toString(),
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
