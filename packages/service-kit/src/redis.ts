import { Redis } from 'ioredis';

// Redis answers in under a millisecond. A request that waited this long for it does without.
const COMMAND_TIMEOUT_MS = 250;
const CONNECT_TIMEOUT_MS = 300;
const RECONNECT_MAX_MS = 1_000;

/**
 * A connection for what Redis may do faster and nobody depends on: a command fails at once while Redis is away, and soon
 * when it is slow. Listen for `error`: each failed attempt to connect is reported there.
 */
export function connectRedis(url: string, options: { pipelines: boolean }): Redis {
  return new Redis(url, {
    enableOfflineQueue: false,
    // Commands of one turn of the event loop share one write.
    enableAutoPipelining: options.pipelines,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MAX_MS),
  });
}
