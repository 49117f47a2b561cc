import { RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Limit, Limits, Window } from '../limits.ts';

/** How full one window is after this request was counted, and in how many milliseconds it begins anew. */
export type Count = { used: number; resetMs: number };

/** Counts one request in each window in order, and stops at the first that is full. */
export type Windows = { count(limit: Limit, key: string): Promise<Count[]> };

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
        const count = await countOne(counter, key);
        counts.push(count);
        if (count.used > window.quota) break;
      }
      return counts;
    },
  };
}

async function countOne(counter: RateLimiterAbstract, key: string): Promise<Count> {
  try {
    return toCount(await counter.consume(key));
  } catch (refusal) {
    // A full window is reported by rejection.
    if (refusal instanceof RateLimiterRes) return toCount(refusal);
    throw refusal;
  }
}

function toCount(result: RateLimiterRes): Count {
  return { used: result.consumedPoints, resetMs: result.msBeforeNext };
}
