import { status as grpcStatus } from '@grpc/grpc-js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { RevocationEvent, WatchRevocationsRequest } from '@centra/proto/centra/auth/v1/auth.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { pause } from '@centra/service-kit/loop.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { z } from 'zod';

export type RevocationStream = ServerWritableStream<WatchRevocationsRequest, RevocationEvent>;

export type RevocationFeed = {
  /** Sends every revocation from now on. Throws `unavailable` while the database cannot tell us of them. */
  add(stream: RevocationStream): void;
  /** Throws while revocations are not heard. */
  assertListening(): void;
  /**
   * Tells this process of every change, and of each time that changes are heard (again): some may have been missed before.
   * What was remembered until then is no longer to be trusted: what the database said before its time `since` (Unix ms).
   */
  subscribe(listener: { onChange(change: Change): void; onListening(since: number): void }): void;
  /**
   * The database's time now (Unix ms), ahead of it by a round trip at most; undefined while changes are not heard, or were not
   * known to be heard within the last two seconds.
   */
  databaseTime(): number | undefined;
  close(): Promise<void>;
};

const CHANNEL = 'revocations';
// Promised in auth.proto: a caller takes two missed ones for silence.
const HEARTBEAT_MS = 1_000;
// A connection that does not answer within this is taken for dead; its callers have stopped trusting it already.
const PING_TIMEOUT_MS = 2_000;
// Twice what lies between two pings. With what a caller then remembers itself, a change still bites within 5 s.
const HEARD_MAX_AGE_MS = 2_000;
const CONNECT_TIMEOUT_MS = 3_000;
const RECONNECT_MS = 250;
// Every replica of the two callers, many times over.
const STREAMS_MAX = 1_000;
// Minutes of heartbeats: a caller this far behind does not read, and is left to notice the silence.
const BACKLOG_MAX = 256;

/** What somebody may remember and what is no longer true. Ids are public ones (`key_…`, `ses_…`, `usr_…`); hotels are UUIDs. */
export type Change =
  | { kind: 'api_key'; apiKeyId: string }
  | { kind: 'session'; sessionId: string }
  | { kind: 'member'; merchantId: string; userId: string }
  | { kind: 'merchant'; merchantId: string };

const changeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('api_key'), apiKeyId: z.string() }),
  z.strictObject({ kind: z.literal('session'), sessionId: z.string() }),
  z.strictObject({ kind: z.literal('member'), merchantId: z.string(), userId: z.string() }),
  z.strictObject({ kind: z.literal('merchant'), merchantId: z.string() }),
]);

/** Tells every replica of a change when, and only if, the transaction commits. */
export async function announce(tx: EntityManager, change: Change): Promise<void> {
  await tx.execute('select pg_notify(?, ?)', [CHANNEL, JSON.stringify(change)]);
}

function toEvent(change: Change): RevocationEvent['event'] {
  switch (change.kind) {
    case 'api_key':
      return { $case: 'revokedApiKeyId', value: change.apiKeyId };
    case 'session':
      return { $case: 'endedSessionId', value: change.sessionId };
    case 'member':
      return { $case: 'changedMember', value: { merchantId: change.merchantId, userId: change.userId } };
    case 'merchant':
      return { $case: 'changedMerchantId', value: change.merchantId };
    default:
      throw new Error(`unknown change ${JSON.stringify(change satisfies never)}`);
  }
}

/**
 * Hears revocations on a connection of its own and passes them to the streams. A heartbeat goes out only after that
 * connection has just answered; when it is lost, every stream ends, since what happens meanwhile is never told.
 */
export function startRevocationFeed(options: {
  databaseUrl: string;
  log: Logger;
  metrics: Metrics;
}): RevocationFeed {
  const streams = new Set<RevocationStream>();
  const listeners: Parameters<RevocationFeed['subscribe']>[0][] = [];
  const stopping = new AbortController();
  let listening = false;
  let clock: DatabaseClock | undefined;
  const watchers = options.metrics.gauge(
    'centra_auth_revocation_watchers',
    'Streams that follow revocations',
    [],
  );
  const send = (event: RevocationEvent['event']): void => {
    for (const stream of streams)
      if (stream.writableLength > BACKLOG_MAX) streams.delete(stream);
      else stream.write({ event });
    watchers.set(streams.size);
  };
  const endAll = (): void => {
    for (const stream of streams)
      stream.emit('error', {
        code: grpcStatus.UNAVAILABLE,
        details: 'Revocations are not heard here. Reconnect.',
      });
    streams.clear();
    watchers.set(0);
  };
  const done = (async () => {
    while (!stopping.signal.aborted) {
      const listener = createListener(options.databaseUrl, (change) => {
        for (const { onChange } of listeners) onChange(change);
        send(toEvent(change));
      });
      try {
        clock = await listener.start();
        const since = clock.time;
        for (const { onListening } of listeners) onListening(since);
        listening = true;
        await beat(listener, stopping.signal, (answered) => {
          clock = answered;
          send({ $case: 'heartbeat', value: {} });
        });
      } catch (error) {
        options.log.warn({ err: error }, 'revocations are not heard');
      } finally {
        listening = false;
        clock = undefined;
        endAll();
        await listener.end();
      }
      await pause(RECONNECT_MS, stopping.signal);
    }
  })();
  const assertListening = (): void => {
    if (!listening)
      throw new AppError('unavailable', { internal: 'revocations are not heard', retryAfterSeconds: 1 });
  };
  return {
    assertListening,
    subscribe(listener) {
      listeners.push(listener);
      // Whoever comes late has missed what was told before.
      if (clock !== undefined) listener.onListening(timeBy(clock));
    },
    databaseTime: () =>
      listening && clock !== undefined && performance.now() - clock.askedAt <= HEARD_MAX_AGE_MS
        ? timeBy(clock)
        : undefined,
    add(stream) {
      assertListening();
      if (streams.size >= STREAMS_MAX) throw new AppError('too_many_requests');
      streams.add(stream);
      for (const event of ['cancelled', 'close', 'error']) stream.on(event, () => streams.delete(stream));
    },
    async close() {
      stopping.abort();
      await done;
    },
  };
}

/** Pings, and after each answer sends the heartbeat, until stopped. Throws when the connection is lost. */
async function beat(
  listener: Listener,
  stopping: AbortSignal,
  heartbeat: (answered: DatabaseClock) => void,
): Promise<void> {
  const ended = AbortSignal.any([stopping, listener.lost]);
  while (!ended.aborted) {
    const answered = await listener.ping();
    if (ended.aborted) break;
    heartbeat(answered);
    await pause(HEARTBEAT_MS, ended);
  }
  if (!stopping.aborted) throw new Error('the connection was lost', { cause: listener.lost.reason });
}

function changeOf(payload: string): Change | undefined {
  try {
    return changeSchema.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}

/** What the database's clock showed (Unix ms), and our own steady one just before we asked. */
type DatabaseClock = { time: number; askedAt: number };

function timeBy(clock: DatabaseClock): number {
  return clock.time + performance.now() - clock.askedAt;
}

type Listener = {
  start(): Promise<DatabaseClock>;
  ping(): Promise<DatabaseClock>;
  end(): Promise<void>;
  /** Aborts when the connection ends. */
  lost: AbortSignal;
};

function createListener(databaseUrl: string, onChange: (change: Change) => void): Listener {
  const lost = new AbortController();
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'auth-revocations',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: PING_TIMEOUT_MS,
    keepAlive: true,
  });
  client.on('error', (error) => lost.abort(error));
  client.on('end', () => lost.abort());
  client.on('notification', ({ payload }) => {
    const change = changeOf(payload ?? '');
    // Something changed and we do not understand what, say from a newer release: nothing that is remembered may stay.
    if (change === undefined) lost.abort(new Error('a change of an unknown kind'));
    else onChange(change);
  });
  const ping = async (): Promise<DatabaseClock> => {
    const askedAt = performance.now();
    const { rows } = await client.query<{ time: number }>(
      'select (extract(epoch from clock_timestamp()) * 1000)::float8 as time',
    );
    if (rows[0] === undefined) throw new Error('the database told no time');
    return { time: rows[0].time, askedAt };
  };
  return {
    lost: lost.signal,
    async start() {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      // After LISTEN: whatever was committed before this time and was not told of is seen by every later read.
      return await ping();
    },
    ping,
    // What fails here belongs to a connection that is given up anyway.
    end: () => client.end().catch(() => undefined),
  };
}
