import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Limits } from '../limits.ts';
import { UNBOUNDED, createWindows } from './windows.ts';
import type { Windows } from './windows.ts';

/** Windows in this process's memory; each entry leaves when its window ends. */
export function createLocalWindows(limits: Limits): Windows {
  return createWindows(
    limits,
    ({ name, seconds }) => new RateLimiterMemory({ keyPrefix: name, points: UNBOUNDED, duration: seconds }),
  );
}
