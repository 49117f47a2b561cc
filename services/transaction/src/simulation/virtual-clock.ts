import { mock } from 'node:test';

/** The time of a simulated run, for this process and for its database. It moves only when told. */
export type VirtualClock = {
  nowMs(): number;
  advance(ms: number): void;
  /** The setting that gives a database session this time. */
  sql(): string;
  /** Gives the process its own time back. */
  close(): void;
};

// Any moment will do, as long as it is the same in each run; this one is no turn of a day, month or year.
const EPOCH_MS = Date.UTC(2026, 2, 10, 9, 30);

/**
 * Takes over `Date` in this thread. What the core decides by its own clock (words of refusals) and by the database's (all
 * that moves money) then goes by the same virtual time.
 */
export function startVirtualClock(): VirtualClock {
  let nowMs = EPOCH_MS;
  mock.timers.enable({ apis: ['Date'], now: nowMs });
  return {
    nowMs: () => nowMs,
    advance(ms) {
      nowMs += ms;
      mock.timers.setTime(nowMs);
    },
    sql: () => `set ${SETTING} = '${new Date(nowMs).toISOString()}'`,
    close: () => mock.timers.reset(),
  };
}

const SETTING = 'simulation.now';

/**
 * Functions that stand before the database's own in the search path, so that the statements and the column defaults of the
 * migrations, which name `now()` without a schema, read the session's virtual time. Without the setting time is real.
 */
export const VIRTUAL_CLOCK_SQL = ['now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp']
  .map(
    (name) => `
      create function public.${name}() returns timestamptz language sql stable
        return coalesce(nullif(current_setting('${SETTING}', true), '')::timestamptz, pg_catalog.${name}());`,
  )
  .join('');
