import type { Logger } from '@centra/service-kit/log.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { Limit, Limits, Window } from '../limits.ts';
import type { Count } from './windows.ts';
import { createLocalWindows } from './local-windows.ts';
import { createSharedWindows } from './shared-windows.ts';

export type Verdict = {
  allowed: boolean;
  /** The RateLimit header. */
  state: string;
  /** Whole seconds until the full window begins anew. */
  retryAfterSeconds: number;
};

export type RateLimiter = {
  consume(limit: Limit, key: string): Promise<Verdict>;
  /** `shared` in Redis, or `local` while Redis is away or not configured. */
  where(): 'shared' | 'local';
  close(): void;
};

// After Redis failed, one request in this time tries it again; the others do not wait for it.
const PROBE_INTERVAL_MS = 500;

/**
 * Counts in Redis, so that all replicas share one limit. While Redis is away each replica counts for itself: neither
 * open nor closed.
 */
export function createRateLimiter(options: {
  redisUrl: string | undefined;
  limits: Limits;
  log: Logger;
  metrics: Metrics;
}): RateLimiter {
  const local = createLocalWindows(options.limits);
  const shared =
    options.redisUrl === undefined ? undefined : createSharedWindows(options.redisUrl, options.limits);
  const gauge = options.metrics.gauge(
    'centra_gateway_limits_shared',
    '1 while limits are counted in Redis',
    [],
  );
  let isAway = false;
  let probeAt = 0;
  gauge.set(shared === undefined ? 0 : 1);

  const turn = (away: boolean, error?: unknown): void => {
    if (isAway === away) return;
    isAway = away;
    gauge.set(away ? 0 : 1);
    if (away) options.log.warn({ err: error }, 'redis is away: limits are counted in this process');
    else options.log.info('redis is back: limits are shared again');
  };

  const count = async (limit: Limit, key: string): Promise<Count[]> => {
    if (shared === undefined) return await local.count(limit, key);
    if (isAway && Date.now() < probeAt) return await local.count(limit, key);
    probeAt = Date.now() + PROBE_INTERVAL_MS;
    try {
      const counts = await shared.count(limit, key);
      turn(false);
      return counts;
    } catch (error) {
      turn(true, error);
      return await local.count(limit, key);
    }
  };

  return {
    consume: async (limit, key) => toVerdict(limit, await count(limit, key)),
    where: () => (shared === undefined || isAway ? 'local' : 'shared'),
    close: () => shared?.close(),
  };
}

function toVerdict(limit: Limit, counts: readonly Count[]): Verdict {
  let allowed = true;
  let retryAfterSeconds = 0;
  let state = '';
  for (const [index, window] of limit.windows.entries()) {
    const count = counts[index];
    // A window behind a full one was not asked.
    if (count === undefined) break;
    const seconds = Math.max(Math.ceil(count.resetMs / 1000), 1);
    if (count.used > window.quota) {
      allowed = false;
      retryAfterSeconds = seconds;
    }
    state += `${index === 0 ? '' : ', '}${describe(window, count.used, seconds)}`;
  }
  return { allowed, state, retryAfterSeconds };
}

function describe(window: Window, used: number, seconds: number): string {
  return `"${window.name}";r=${Math.max(window.quota - used, 0)};t=${seconds}`;
}
