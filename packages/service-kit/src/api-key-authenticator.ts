import { createHash } from 'node:crypto';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { ClientReadableStream } from '@grpc/grpc-js';
import type { AuthServiceClient, RevocationEvent } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { LRUCache } from 'lru-cache';
import { AppError } from './errors.ts';
import { callUnary, fromServiceError, isServiceError, serviceMetadata } from './grpc.ts';
import type { Logger } from './log.ts';
import type { Identity, Signer } from './service-identity.ts';

export type ApiKeyAuthenticator = {
  /** Who the key belongs to; `unauthenticated` (401) or, when auth cannot be asked and nothing fresh is known, 503. */
  authenticate(secret: string, requestId: string): Promise<Identity>;
  close(): void;
};

// Validated keys are trusted this long while revocations are being pushed …
const TTL_MS = 60_000;
// … and only this long while the stream is silent, so that a revocation bites within 5 s either way.
const TTL_SILENT_MS = 2_000;
// Auth sends a heartbeat each second; two missed ones are silence.
const HEARTBEAT_MAX_AGE_MS = 2_500;
// A refused key is remembered briefly, so that a client in a loop does not become load on auth.
const REFUSED_TTL_MS = 1_000;
const KEYS_MAX = 10_000;
// A dependency that is down is told of within 2 s (promise P9).
const VALIDATE_DEADLINE_MS = 1_500;
const RECONNECT_MS = 500;

type Entry = { identity: Identity; keyId: string; checkedAt: number; expiresAt: number };

/** Validates API keys at auth over gRPC with a cache that pushed revocations empty. */
export function createApiKeyAuthenticator(options: {
  client: AuthServiceClient;
  signer: Signer;
  log: Logger;
}): ApiKeyAuthenticator {
  const entries = new LRUCache<string, Entry>({ max: KEYS_MAX });
  const refused = new LRUCache<string, true>({ max: KEYS_MAX, ttl: REFUSED_TTL_MS });
  const inFlight = new Map<string, Promise<Entry>>();
  const watch = watchRevocations(options, entries);

  const fetchEntry = async (hash: string, secret: string, requestId: string): Promise<Entry> => {
    const startedAt = Date.now();
    const generation = watch.generation();
    const entry = await validate(options, secret, requestId, startedAt);
    // A revocation that was pushed while we asked may have overtaken the answer: use it once, do not keep it.
    if (watch.generation() === generation) entries.set(hash, entry);
    return entry;
  };

  return {
    async authenticate(secret, requestId) {
      const hash = createHash('sha256').update(secret).digest('base64');
      if (refused.has(hash)) throw new AppError('unauthenticated');
      const known = entries.get(hash);
      if (known !== undefined && isFresh(known, watch.isLive())) return known.identity;
      let pending = inFlight.get(hash);
      if (pending === undefined) {
        pending = fetchEntry(hash, secret, requestId).finally(() => inFlight.delete(hash));
        inFlight.set(hash, pending);
      }
      try {
        return (await pending).identity;
      } catch (error) {
        if (error instanceof AppError && error.code === 'unauthenticated') {
          entries.delete(hash);
          refused.set(hash, true);
        }
        throw error;
      }
    },
    close: watch.close,
  };
}

function isFresh(entry: Entry, streamIsLive: boolean): boolean {
  const now = Date.now();
  return now < entry.expiresAt && now - entry.checkedAt < (streamIsLive ? TTL_MS : TTL_SILENT_MS);
}

async function validate(
  options: { client: AuthServiceClient; signer: Signer },
  secret: string,
  requestId: string,
  startedAt: number,
): Promise<Entry> {
  try {
    const answer = await callUnary(
      options.client.validateApiKey.bind(options.client),
      { secret },
      {
        metadata: serviceMetadata(options.signer, 'auth', requestId),
        deadlineMs: VALIDATE_DEADLINE_MS,
        waitForReady: true,
      },
    );
    return {
      identity: {
        merchantId: answer.merchantId,
        mode: answer.mode === Mode.MODE_LIVE ? 'live' : 'test',
        actor: `api_key:${answer.apiKeyId}`,
        scopes: answer.scopes,
      },
      keyId: answer.apiKeyId,
      checkedAt: startedAt,
      expiresAt: answer.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
    };
  } catch (error) {
    if (isServiceError(error) && error.code === grpcStatus.UNAUTHENTICATED) throw fromServiceError(error);
    throw new AppError('unavailable', {
      cause: error,
      retryAfterSeconds: 1,
      internal: 'auth cannot be asked',
    });
  }
}

type Watch = { isLive(): boolean; generation(): number; close(): void };

/** Follows auth's revocations; drops everything cached at each (re)connection, since some may have been missed. */
function watchRevocations(
  options: { client: AuthServiceClient; signer: Signer; log: Logger },
  entries: LRUCache<string, Entry>,
): Watch {
  let heardAt = 0;
  let generation = 0;
  let closed = false;
  let stream: ClientReadableStream<RevocationEvent> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const connect = (): void => {
    let first = true;
    stream = options.client.watchRevocations({}, serviceMetadata(options.signer, 'auth', 'revocations'));
    stream.on('data', ({ event }: RevocationEvent) => {
      heardAt = Date.now();
      if (first) {
        first = false;
        generation += 1;
        entries.clear();
      }
      if (event?.$case !== 'revokedApiKeyId') return;
      generation += 1;
      for (const [hash, entry] of entries.entries()) if (entry.keyId === event.value) entries.delete(hash);
    });
    stream.on('error', (error) => options.log.debug({ err: error }, 'revocation stream ended'));
    stream.on('close', () => {
      heardAt = 0;
      if (!closed) timer = setTimeout(connect, RECONNECT_MS);
    });
  };
  connect();
  return {
    isLive: () => Date.now() - heardAt < HEARTBEAT_MAX_AGE_MS,
    generation: () => generation,
    close() {
      closed = true;
      clearTimeout(timer);
      stream?.cancel();
    },
  };
}
