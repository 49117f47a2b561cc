import { randomUUID } from 'node:crypto';
import type { Pool } from '@centra/service-kit/database.ts';
import { violatedConstraint } from '@centra/service-kit/database.ts';

/** Counts calls in the simulator's own table, for cards and amounts that behave otherwise the first time. */
export type Tries = {
  /** Which call of that subject this is, from 1. The same `callKey` keeps its number. */
  nth(accountId: string, subject: string, callKey?: string): Promise<number>;
  count(accountId: string, subject: string): Promise<number>;
};

// Each loss of the race means that another call took the number, so this many calls at once are served.
const RACES_MAX = 100;

export function createTries(pool: Pool): Tries {
  return {
    async nth(accountId, subject, callKey = randomUUID()) {
      for (let race = 1; ; race += 1) {
        try {
          return await insertOrRead(pool, accountId, subject, callKey);
        } catch (error) {
          if (race === RACES_MAX || violatedConstraint(error) !== 'simulator_try_nth') throw error;
        }
      }
    },
    async count(accountId, subject) {
      const { rows } = await pool.query<{ count: number }>(
        `select count(*)::int as count from simulator_tries where account_id = $1 and subject = $2`,
        [accountId, subject],
      );
      return rows[0]?.count ?? 0;
    },
  };
}

async function insertOrRead(
  pool: Pool,
  accountId: string,
  subject: string,
  callKey: string,
): Promise<number> {
  const inserted = await pool.query<{ nth: number }>(
    `insert into simulator_tries (account_id, subject, call_key, nth)
     select $1, $2, $3, coalesce(max(nth), 0) + 1 from simulator_tries where account_id = $1 and subject = $2
         on conflict (account_id, subject, call_key) do nothing
  returning nth`,
    [accountId, subject, callKey],
  );
  const first = inserted.rows[0];
  if (first !== undefined) return first.nth;
  const { rows } = await pool.query<{ nth: number }>(
    `select nth from simulator_tries where account_id = $1 and subject = $2 and call_key = $3`,
    [accountId, subject, callKey],
  );
  const before = rows[0];
  if (before === undefined) throw new Error('a try that was there is gone');
  return before.nth;
}
