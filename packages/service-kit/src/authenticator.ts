import { createHash } from 'node:crypto';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Barrier } from '@centra/proto/centra/auth/v1/auth.ts';
import type { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { LRUCache } from 'lru-cache';
import { addressRule } from './allowed-addresses.ts';
import type { AddressRule } from './allowed-addresses.ts';
import { AppError } from './errors.ts';
import { callMetadata, callUnary, fromServiceError, isServiceError } from './grpc.ts';
import type { Logger } from './log.ts';
import { watchRevocations } from './revocation-watch.ts';
import type { Subjects } from './revocation-watch.ts';
import type { Identity, UserIdentity } from './service-identity.ts';

/** Who sent a credential. */
export type Authenticated = {
  /** What it may do at a hotel; undefined for a person whose token is for no hotel. */
  identity: Identity | undefined;
  /** The person, when it is an access token. */
  user: UserIdentity | undefined;
  /** Why it may do nothing at the hotel though it is good; the person's own account stays open to them. */
  barrier: 'access_suspended' | 'second_factor_required' | undefined;
};

export type Authenticator = {
  /**
   * Whose credential that is, an API key or an access token. `unauthenticated` (401), `address_not_allowed` (403) or, when
   * auth cannot be asked and nothing fresh is known, `unavailable` (503).
   */
  authenticate(credential: string, request: { requestId: string; address: string }): Promise<Authenticated>;
  close(): void;
};

// Validated credentials are trusted this long while revocations are being pushed …
const TTL_MS = 60_000;
// … and only this long while the stream is silent, so that a revocation bites within 5 s either way. Also what auth says of a
// person just after a change to them: a replica of auth may hear of it up to two seconds later than we did.
const TTL_SILENT_MS = 2_000;
// A refused credential is remembered briefly, so that a client in a loop does not become load on auth.
const REFUSED_TTL_MS = 1_000;
const CREDENTIALS_MAX = 10_000;
// A dependency that is down is told of within 2 s (promise P9).
const VALIDATE_DEADLINE_MS = 1_500;

type Entry = {
  who: Authenticated;
  subjects: Subjects;
  /** Where a key may be used from; undefined: from anywhere. */
  allows: AddressRule | undefined;
  checkedAt: number;
  ttlMs: number;
  expiresAt: number;
};

type Options = { client: AuthServiceClient; log: Logger };

/** Validates credentials at auth over gRPC with a cache that pushed revocations empty. */
export function createAuthenticator(options: Options): Authenticator {
  const entries = new LRUCache<string, Entry>({ max: CREDENTIALS_MAX });
  const refused = new LRUCache<string, true>({ max: CREDENTIALS_MAX, ttl: REFUSED_TTL_MS });
  const inFlight = new Map<string, Promise<Entry>>();
  const watch = watchRevocations(options, {
    drop(isConcerned) {
      for (const [hash, { subjects }] of entries.entries()) if (isConcerned(subjects)) entries.delete(hash);
    },
    dropAll: () => entries.clear(),
  });

  const fetchEntry = async (hash: string, credential: string, requestId: string): Promise<Entry> => {
    const generation = watch.generation();
    const entry = await validate(options.client, credential, requestId);
    if (watch.mayBeLate(entry.subjects)) entry.ttlMs = TTL_SILENT_MS;
    // A revocation that was pushed while we asked may have overtaken the answer: use it once, do not keep it.
    if (watch.generation() === generation) entries.set(hash, entry);
    return entry;
  };

  return {
    async authenticate(credential, { requestId, address }) {
      const hash = createHash('sha256').update(credential).digest('base64');
      if (refused.has(hash)) throw new AppError('unauthenticated');
      const known = entries.get(hash);
      if (known !== undefined && isFresh(known, watch.isLive())) return from(address, known);
      let pending = inFlight.get(hash);
      if (pending === undefined) {
        pending = fetchEntry(hash, credential, requestId).finally(() => inFlight.delete(hash));
        inFlight.set(hash, pending);
      }
      try {
        return from(address, await pending);
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
  return now < entry.expiresAt && now - entry.checkedAt < (streamIsLive ? entry.ttlMs : TTL_SILENT_MS);
}

function from(address: string, { who, allows }: Entry): Authenticated {
  if (allows !== undefined && !allows(address)) throw new AppError('address_not_allowed');
  return who;
}

// A key begins like this; a token is a JWT, whose header is a JSON object. What is neither is not worth a question.
const KEY_PREFIX = 'ck_';
const TOKEN_FORM = /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

async function validate(client: AuthServiceClient, credential: string, requestId: string): Promise<Entry> {
  try {
    if (credential.startsWith(KEY_PREFIX)) return await validateKey(client, credential, requestId);
    if (TOKEN_FORM.test(credential)) return await validateToken(client, credential, requestId);
  } catch (error) {
    if (isServiceError(error) && error.code === grpcStatus.UNAUTHENTICATED) throw fromServiceError(error);
    throw new AppError('unavailable', {
      cause: error,
      retryAfterSeconds: 1,
      internal: 'auth cannot be asked',
    });
  }
  throw new AppError('unauthenticated', { internal: 'neither a key nor a token' });
}

async function validateKey(client: AuthServiceClient, secret: string, requestId: string): Promise<Entry> {
  const checkedAt = Date.now();
  const answer = await callUnary(client.validateApiKey.bind(client), { secret }, callOptions(requestId));
  const { apiKeyId, merchantId } = answer;
  const identity: Identity = {
    merchantId,
    mode: toMode(answer.mode),
    actor: `api_key:${apiKeyId}`,
    scopes: answer.scopes,
  };
  const barrier = answer.suspended ? 'access_suspended' : undefined;
  return {
    who: { identity, user: undefined, barrier },
    subjects: { keyId: apiKeyId, sessionId: undefined, userId: undefined, merchantId },
    allows: addressRule(answer.allowedAddresses),
    checkedAt,
    ttlMs: TTL_MS,
    expiresAt: answer.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
  };
}

async function validateToken(client: AuthServiceClient, token: string, requestId: string): Promise<Entry> {
  const checkedAt = Date.now();
  const answer = await callUnary(client.validateAccessToken.bind(client), { token }, callOptions(requestId));
  const { userId, sessionId, permissions } = answer;
  const merchantId = answer.merchantId === '' ? undefined : answer.merchantId;
  const identity: Identity | undefined =
    merchantId === undefined
      ? undefined
      : { merchantId, mode: toMode(answer.mode), actor: `user:${userId}`, scopes: permissions, sessionId };
  return {
    who: { identity, user: { userId, sessionId }, barrier: toBarrier(answer.barrier) },
    subjects: { keyId: undefined, sessionId, userId, merchantId },
    allows: undefined,
    checkedAt,
    ttlMs: TTL_MS,
    // A token always ends; an answer that does not say when is used once.
    expiresAt: answer.expiresAt?.getTime() ?? 0,
  };
}

function callOptions(requestId: string): Parameters<typeof callUnary>[2] {
  return { metadata: callMetadata(requestId), deadlineMs: VALIDATE_DEADLINE_MS, waitForReady: true };
}

function toMode(mode: Mode): Identity['mode'] {
  return mode === Mode.MODE_LIVE ? 'live' : 'test';
}

function toBarrier(barrier: Barrier): Authenticated['barrier'] {
  if (barrier === Barrier.BARRIER_UNSPECIFIED) return undefined;
  // One that we do not know yet is none to walk through.
  return barrier === Barrier.BARRIER_SECOND_FACTOR ? 'second_factor_required' : 'access_suspended';
}
