import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Limit, Limits, Window } from '../limits.ts';

/** How full one window is after this request was counted, and in how many milliseconds it begins anew. */
export type Count = { used: number; resetMs: number };

/** Counts one request in each window in order, and stops at the first that is full. */
export type Windows = { count(limit: Limit, key: string): Promise<Count[]> };

/**
 * What a counter holds before it would refuse by itself: never. Hotels have quotas of their own and these may change within
 * a window, so a counter only counts, and the quota of the request at hand decides; what was used already stays used.
 */
export const UNBOUNDED = Number.MAX_SAFE_INTEGER;

/** One counter for each window of each limit, wherever `create` keeps them. */
export function createWindows(limits: Limits, create: (window: Window) => RateLimiterAbstract): Windows {
  const counters = new Map(
    Object.values(limits).flatMap((limit) => limit.windows.map((window) => [window.name, create(window)])),
  );
  return {
    async count(limit, key) {
      const counts: Count[] = [];
      // One after the other: a request that the second refuses must not use up the hour.
      for (const window of limit.windows) {
        const counter = counters.get(window.name);
        if (counter === undefined) throw new Error(`no counter for the window ${window.name}`);
        const { consumedPoints, msBeforeNext } = await counter.consume(key);
        counts.push({ used: consumedPoints, resetMs: msBeforeNext });
        if (consumedPoints > window.quota) break;
      }
      return counts;
    },
  };
}
