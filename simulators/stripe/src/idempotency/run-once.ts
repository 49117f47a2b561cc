import { setTimeout as sleep } from 'node:timers/promises';

import type { FaultOf } from '../faults/fault.ts';
import type { Action, Answer, ApiRequest } from '../http/api-request.ts';
import { refusal, requestLine, type Outcome } from '../http/outcome.ts';
import { canonical } from '../http/form.ts';
import { errorBody, keyInUse, serverError, StripeError } from '../http/stripe-error.ts';
import type { JournalDraft } from '../journal/journal.ts';
import { nameOf, type IdempotencyRecord } from './idempotency-records.ts';

/** Stripe's limit for a key. */
const KEY_LENGTH_MAX = 255;

type KeyInUse = { scope: string; key: string; fingerprint: string };

/** What surrounds one run of an action. */
export type How = {
  errorAfter?: FaultOf<'error_after'> | undefined;
  /** The object that only one request may change at a time. */
  lock?: string | undefined;
};

/**
 * Runs an action under the request's idempotency key and answers once all of it is on disk.
 * The first result of a key is kept, declines and 500s included, and replayed byte for byte; a second request while the first
 * runs gets 409, other parameters get 400, and what is refused before execution leaves the key free.
 */
export async function runOnce(request: ApiRequest, action: Action, how: How): Promise<Outcome> {
  const key = keyOf(request);
  if (!key) return act(request, action, null, how);
  // Everything up to taking the key runs without a pause, so that two requests can never both find it free.
  const { keysInUse } = request.context;
  const name = nameOf(key.scope, key.key);
  if (keysInUse.has(name)) throw keyInUse(key.key);
  const record = rememberedBy(request, key);
  if (record) return replay(request, record);
  keysInUse.add(name);
  try {
    return await act(request, action, key, how);
  } finally {
    keysInUse.delete(name);
  }
}

function keyOf(request: ApiRequest): KeyInUse | null {
  const key = request.work.origin.idempotencyKey;
  if (key === null) return null;
  if (key.length > KEY_LENGTH_MAX) {
    throw new StripeError(400, {
      type: 'idempotency_error',
      message: `Idempotency keys can be at most ${KEY_LENGTH_MAX} characters long.`,
    });
  }
  const scope = `${request.account.id}/${request.livemode ? 'live' : 'test'}`;
  const fingerprint = request.context.instanceKey.digest(
    request.method,
    request.path,
    canonical(request.params),
  );
  return { scope, key, fingerprint };
}

/** Throws when the key was used with other parameters. */
function rememberedBy(
  request: ApiRequest,
  { scope, key, fingerprint }: KeyInUse,
): IdempotencyRecord | undefined {
  const record = request.context.store.idempotency.get(scope, key, request.nowMs);
  if (!record || isForgotten(request, record)) return undefined;
  if (record.fingerprint !== fingerprint) throw otherParameters(key);
  return record;
}

async function replay(request: ApiRequest, record: IdempotencyRecord): Promise<Outcome> {
  await request.context.journal.append(
    [{ ...lineOf(request, record.status), replayed: true }],
    request.nowMs,
  );
  const headers = {
    'Idempotent-Replayed': 'true',
    'Original-Request': record.requestId,
    ...retryAdvice(record.status),
  };
  return { status: record.status, text: record.body, headers };
}

function isForgotten(request: ApiRequest, record: IdempotencyRecord): boolean {
  const ageMs = request.nowMs - record.atMs;
  const target = { method: request.method, path: request.path };
  return (
    request.context.faults.fire(['forget_keys'], target, (fault) => ageMs >= fault.after_ms) !== undefined
  );
}

async function act(
  request: ApiRequest,
  action: Action,
  key: KeyInUse | null,
  { errorAfter, lock }: How,
): Promise<Outcome> {
  const { context, work } = request;
  const result = await actLocked(request, action, lock);
  const reply = errorAfter ? bent(request, errorAfter.status) : result.outcome;
  // A 500 is Stripe's own answer and stays with the key; 502 to 504 come from in front of it and are not kept.
  const isErrorStored = errorAfter !== undefined && (errorAfter.stored ?? errorAfter.status === 500);
  const kept = isErrorStored ? reply : result.outcome;
  const lines: JournalDraft[] = [...work.lines];
  if (key && result.executed) lines.push(keep(request, key, kept));
  lines.push(lineOf(request, reply.status));
  await context.journal.append(lines, request.nowMs);
  await announce(request);
  return reply;
}

/**
 * Thinks and acts while nobody else changes the same object. What is done is ordered by then: the journal writes in the
 * order of the acts, so the next one need not wait for the disk. Throws lock_timeout, which leaves the key free.
 */
async function actLocked(request: ApiRequest, action: Action, lock: string | undefined) {
  const { config, locks } = request.context;
  const release = lock === undefined ? undefined : await locks.acquire(lock, config.lockWaitMs);
  try {
    if (request.method === 'POST' && config.latencyMs > 0) await sleep(config.latencyMs);
    return outcomeOf(request, action);
  } finally {
    release?.();
  }
}

function outcomeOf(request: ApiRequest, action: Action): { outcome: Outcome; executed: boolean } {
  try {
    const answer: Answer = action(request);
    return {
      outcome: {
        status: answer.status,
        text: JSON.stringify(answer.body),
        headers: retryAdvice(answer.status),
      },
      executed: true,
    };
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    const outcome = refusal(error, request.requestId, request.livemode);
    return {
      outcome: { ...outcome, headers: { ...outcome.headers, ...retryAdvice(outcome.status) } },
      executed: error.executed,
    };
  }
}

function keep(request: ApiRequest, key: KeyInUse, outcome: Outcome): JournalDraft {
  const value: IdempotencyRecord = {
    ...key,
    status: outcome.status,
    body: outcome.text,
    requestId: request.requestId,
    atMs: request.nowMs,
  };
  const line = { kind: 'state' as const, type: 'idempotency' as const, value };
  request.context.store.apply(line, request.nowMs);
  return line;
}

/** Webhooks leave once the facts are on disk; a fault lets them arrive before the reply does. */
async function announce(request: ApiRequest): Promise<void> {
  const { context, mode, work } = request;
  if (work.events.length === 0) return;
  const first = context.faults.fire(['webhook_before_reply'], { method: request.method, path: request.path });
  const delivered = context.webhooks.send(mode, work.events);
  if (first) await delivered;
}

function bent(request: ApiRequest, status: number): Outcome {
  const text = JSON.stringify(errorBody(serverError(status), request.requestId, request.livemode));
  return { status, text, headers: retryAdvice(status) };
}

/** A stored 500 would only be replayed, so Stripe tells clients not to try again. */
function retryAdvice(status: number): Record<string, string> {
  return status === 500 || status === 402 ? { 'Stripe-Should-Retry': 'false' } : {};
}

function lineOf(request: ApiRequest, status: number) {
  const { account, livemode, method, path, requestId } = request;
  const line = requestLine(
    { method, path, requestId, idempotencyKey: request.work.origin.idempotencyKey },
    status,
  );
  return { ...line, account: account.id, livemode };
}

function otherParameters(key: string): StripeError {
  const message =
    'Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than ' +
    `'${key}' if you meant to execute a different request.`;
  return new StripeError(400, { type: 'idempotency_error', message });
}
