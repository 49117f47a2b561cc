import { AppError } from '@centra/service-kit/errors.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { connectRedis } from '@centra/service-kit/redis.ts';
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

/** Log-ins a minute of one address at one account. */
export type LoginLimiter = {
  /** Counts one; `too_many_attempts` (429, Retry-After) when the minute is full. */
  take(key: string): Promise<void>;
  close(): void;
};

const WINDOW_S = 60;

/** Counted in Redis for all replicas together; in this process without Redis, and while it is away or slow. */
export function createLoginLimiter(
  parts: { log: Logger },
  options: { redisUrl: string | undefined; perMinute: number },
): LoginLimiter {
  const window = { keyPrefix: 'login', points: options.perMinute, duration: WINDOW_S };
  const local = new RateLimiterMemory(window);
  if (options.redisUrl === undefined) return { take: async (key) => await take(local, key), close() {} };
  const redis = connect(options.redisUrl, parts.log);
  const shared = new RateLimiterRedis({
    ...window,
    storeClient: redis,
    rejectIfRedisNotReady: true,
    insuranceLimiter: local,
  });
  return { take: async (key) => await take(shared, key), close: () => redis.disconnect() };
}

async function take(limiter: RateLimiterMemory | RateLimiterRedis, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    throw new AppError('too_many_attempts', {
      retryAfterSeconds: Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000)),
      internal: 'log-ins a minute',
    });
  }
}

function connect(url: string, log: Logger): Redis {
  const redis = connectRedis(url, { pipelines: false });
  // Each failed attempt to connect is reported; one line for each time it goes away is enough.
  let away = false;
  redis.on('error', (error) => {
    if (!away) log.warn({ err: error }, 'Redis is away: log-ins are counted in this process');
    away = true;
  });
  redis.on('ready', () => {
    away = false;
  });
  return redis;
}
