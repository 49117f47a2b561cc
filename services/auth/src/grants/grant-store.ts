import type { Logger } from '@centra/service-kit/log.ts';
import { connectRedis } from '@centra/service-kit/redis.ts';
import { LRUCache } from 'lru-cache';

/** Texts by key, for a minute. It may forget, lie or fail at any time: see grant.ts. */
export type GrantStore = {
  /** Rejects when it cannot be asked. */
  get(key: string): Promise<string | undefined>;
  /** Without waiting for it, and without a word when it fails: then the next one asks Postgres again. */
  set(key: string, text: string): void;
  close(): void;
};

/** How long a grant is remembered. Callers remember it as long; changes are pushed to both. */
export const GRANT_TTL_MS = 60_000;

// An entry is about 500 bytes.
const MEMORY_MAX = 10_000;

/** In this process only. */
export function createMemoryStore(): GrantStore {
  const texts = new LRUCache<string, string>({ max: MEMORY_MAX, ttl: GRANT_TTL_MS });
  return {
    get: async (key) => texts.get(key),
    set: (key, text) => void texts.set(key, text),
    close: () => {},
  };
}

// One that hangs is asked once a second, so that it delays one request a second and not each.
const PROBE_AFTER_MS = 1_000;

/** In Redis, for all replicas. */
export function createRedisStore(url: string, log: Logger): GrantStore {
  const redis = connectRedis(url, { pipelines: true });
  // Each failed attempt to connect is reported here; the change of state is logged once, below.
  redis.on('error', () => {});
  let isAway = false;
  let probeAt = 0;
  const turn = (away: boolean, error?: unknown): void => {
    if (away) probeAt = performance.now() + PROBE_AFTER_MS;
    if (away === isAway) return;
    isAway = away;
    if (away) log.warn({ err: error }, 'grants are not remembered: Redis cannot be asked');
    else log.info('grants are remembered in Redis again');
  };
  const guarded = async <T>(command: () => Promise<T>): Promise<T> => {
    if (isAway && performance.now() < probeAt) throw new Error('Redis was away a moment ago');
    // Whoever asks meanwhile does not wait beside the one that tries.
    if (isAway) probeAt = performance.now() + PROBE_AFTER_MS;
    try {
      const answer = await command();
      turn(false);
      return answer;
    } catch (error) {
      turn(true, error);
      throw error;
    }
  };
  return {
    get: async (key) => (await guarded(async () => await redis.get(key))) ?? undefined,
    set: (key, text) =>
      void guarded(async () => await redis.set(key, text, 'PX', GRANT_TTL_MS)).catch(() => {}),
    close: () => redis.disconnect(),
  };
}
