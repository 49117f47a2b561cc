import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { Limits } from '../limits.ts';
import { UNBOUNDED, createWindows } from './windows.ts';
import type { Windows } from './windows.ts';

// Redis answers in under a millisecond. A request that waited this long for it counts locally instead.
const COMMAND_TIMEOUT_MS = 250;
const CONNECT_TIMEOUT_MS = 300;
const RECONNECT_MAX_MS = 1_000;

/** Windows in Redis, shared by all replicas. Rejects at once while the connection is down. */
export function createSharedWindows(url: string, limits: Limits): Windows & { close(): void } {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    // Requests of one turn of the event loop share one write: more than half of Redis's own time per request.
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MAX_MS),
  });
  // Each failed attempt to connect is reported here; the limiter logs the change of state once.
  redis.on('error', () => {});
  const windows = createWindows(
    limits,
    ({ name, seconds }) =>
      new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `limit:${name}`,
        points: UNBOUNDED,
        duration: seconds,
        rejectIfRedisNotReady: true,
      }),
  );
  return { ...windows, close: () => redis.disconnect() };
}
