import type { Permission } from '@centra/service-kit/permissions.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { Context } from '../context.ts';
import { GRANT_TTL_MS, createMemoryStore, createRedisStore } from './grant-store.ts';
import type { GrantStore } from './grant-store.ts';
import { readGrant } from './read-grant.ts';
import { createRecentChanges } from './recent-changes.ts';
import { createGrantSealer } from './sealed-grant.ts';

/** What a session allows at a hotel now. */
export type Grant = {
  permissions: readonly Permission[];
  /** Why the person may do nothing at the hotel though they belong there. */
  barrier: 'suspended' | 'second_factor' | undefined;
  /** When the session ends. */
  sessionExpiresAt: Date;
};

/** A session and the hotel that it is used at; UUIDs. */
export type GrantOf = { userId: string; sessionId: string; merchantId: string | undefined };

/** Sessions with their hotel, remembered in Redis where there is one. Postgres decides. */
export type Grants = {
  /**
   * Undefined when the session has ended or the person does not belong to the hotel. Without a hotel: whether the session
   * stands, with no permissions.
   */
  find(of: GrantOf): Promise<Grant | undefined>;
  close(): void;
};

type Outcome = 'hit' | 'miss' | 'stale' | 'forged' | 'away' | 'unheard';
// How far ahead of ours another replica's idea of the database's time may be.
const CLOCK_SLACK_MS = 1_000;

/**
 * A grant that is remembered must not outlive a change. It carries the database's time just before it was read, and is used
 * only while this replica surely hears of changes, only when it was read after this replica began to hear of them, and not
 * when anything about it changed lately. What was read before a change and written after its notice falls under the last
 * rule: it is gone before that ends. See docs/decisions/0028-tokens-say-who.md.
 */
export function createGrants(
  parts: Pick<Context, 'pool' | 'keyring' | 'log' | 'metrics' | 'revocations'>,
  options: { redisUrl: string | undefined },
): Grants {
  const { pool, revocations } = parts;
  const store =
    options.redisUrl === undefined ? createMemoryStore() : createRedisStore(options.redisUrl, parts.log);
  const sealer = createGrantSealer(parts.keyring);
  const count = grantCounter(parts.metrics);
  const recent = createRecentChanges(2 * GRANT_TTL_MS);
  let listeningSince = Number.POSITIVE_INFINITY;
  revocations.subscribe({
    onChange: recent.note,
    onListening: (since) => (listeningSince = since),
  });

  /** Whether what the database said at that time of its own is surely still true. */
  const holds = (of: GrantOf, readAt: number): boolean => {
    const now = revocations.databaseTime();
    return (
      now !== undefined &&
      readAt > listeningSince &&
      readAt < now + CLOCK_SLACK_MS &&
      now - readAt < GRANT_TTL_MS &&
      !recent.concern(of)
    );
  };
  const remembered = async (of: GrantOf): Promise<Grant | Outcome> => {
    if (revocations.databaseTime() === undefined) return 'unheard';
    const read = await readStore(store, keyOf(of));
    if (read.text === undefined) return read.outcome;
    const opened = sealer.open(keyOf(of), read.text);
    if (opened === undefined) return 'forged';
    // Asked now and not before: a change may have been heard while the store was being asked.
    if (!holds(of, opened.readAt)) return 'stale';
    return opened.grant.sessionExpiresAt.getTime() > Date.now() ? opened.grant : 'stale';
  };
  return {
    async find(of) {
      const known = await remembered(of);
      count(typeof known === 'string' ? known : 'hit');
      if (typeof known !== 'string') return known;
      const found = await readGrant(pool, of);
      if (found === undefined) return undefined;
      const { grant, readAt } = found;
      if (holds(of, readAt)) store.set(keyOf(of), sealer.seal(keyOf(of), { grant, readAt }));
      return grant;
    },
    close: store.close,
  };
}

function keyOf({ sessionId, merchantId }: GrantOf): string {
  return `grant:${sessionId}:${merchantId ?? '-'}`;
}

async function readStore(
  store: GrantStore,
  key: string,
): Promise<{ text: string } | { text: undefined; outcome: Outcome }> {
  try {
    const text = await store.get(key);
    return text === undefined ? { text, outcome: 'miss' } : { text };
  } catch {
    return { text: undefined, outcome: 'away' };
  }
}

function grantCounter(metrics: Metrics): (outcome: Outcome) => void {
  const counter = metrics.counter(
    'centra_auth_grant_cache_total',
    'Looked-up grants by what the cache was worth: a rise of forged is somebody writing to Redis',
    ['outcome'],
  );
  return (outcome) => counter.inc({ outcome });
}
