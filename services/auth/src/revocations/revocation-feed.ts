import { status as grpcStatus } from '@grpc/grpc-js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { RevocationEvent, WatchRevocationsRequest } from '@centra/proto/centra/auth/v1/auth.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { pause } from '@centra/service-kit/loop.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Client } from 'pg';

export type RevocationStream = ServerWritableStream<WatchRevocationsRequest, RevocationEvent>;

export type RevocationFeed = {
  /** Sends every revocation from now on. Throws `unavailable` while the database cannot tell us of them. */
  add(stream: RevocationStream): void;
  /** Throws while revocations are not heard. */
  assertListening(): void;
  close(): Promise<void>;
};

const CHANNEL = 'api_key_revoked';
// Promised in auth.proto: a caller takes two missed ones for silence.
const HEARTBEAT_MS = 1_000;
// A connection that does not answer within this is taken for dead; its callers have stopped trusting it already.
const PING_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 3_000;
const RECONNECT_MS = 250;
// Every replica of the two callers, many times over.
const STREAMS_MAX = 1_000;
// Minutes of heartbeats: a caller this far behind does not read, and is left to notice the silence.
const BACKLOG_MAX = 256;

/** Tells every replica of a revocation when, and only if, the transaction commits. */
export async function notifyRevocation(tx: EntityManager, publicId: string): Promise<void> {
  await tx.execute('select pg_notify(?, ?)', [CHANNEL, publicId]);
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
  const stopping = new AbortController();
  let listening = false;
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
      const listener = createListener(options.databaseUrl, (publicId) =>
        send({ $case: 'revokedApiKeyId', value: publicId }),
      );
      try {
        await listener.start();
        listening = true;
        await beat(listener, stopping.signal, () => send({ $case: 'heartbeat', value: {} }));
      } catch (error) {
        options.log.warn({ err: error }, 'revocations are not heard');
      } finally {
        listening = false;
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
async function beat(listener: Listener, stopping: AbortSignal, heartbeat: () => void): Promise<void> {
  const ended = AbortSignal.any([stopping, listener.lost]);
  while (!ended.aborted) {
    await listener.ping();
    if (ended.aborted) break;
    heartbeat();
    await pause(HEARTBEAT_MS, ended);
  }
  if (!stopping.aborted) throw new Error('the connection was lost', { cause: listener.lost.reason });
}

type Listener = {
  start(): Promise<void>;
  ping(): Promise<void>;
  end(): Promise<void>;
  /** Aborts when the connection ends. */
  lost: AbortSignal;
};

function createListener(databaseUrl: string, onRevoked: (publicId: string) => void): Listener {
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
    if (payload !== undefined) onRevoked(payload);
  });
  return {
    lost: lost.signal,
    async start() {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
    },
    ping: async () => void (await client.query('select 1')),
    // What fails here belongs to a connection that is given up anyway.
    end: () => client.end().catch(() => undefined),
  };
}
