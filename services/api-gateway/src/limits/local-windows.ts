import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Limits } from '../limits.ts';
import { createWindows } from './windows.ts';
import type { Windows } from './windows.ts';

/** Windows in this process's memory; each entry leaves when its window ends. */
export function createLocalWindows(limits: Limits): Windows {
  return createWindows(
    limits,
    ({ name, quota, seconds }) =>
      new RateLimiterMemory({ keyPrefix: name, points: quota, duration: seconds }),
  );
}
