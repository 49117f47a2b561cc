// What every API endpoint does around its action: who calls, may they, have we answered this key before, and after
// the action: onto the disk, then out.
import type { Request, RequestHandler, Response } from 'express';

import { isPermitted } from '../accounts/account.ts';
import type { Context } from '../context.ts';
import { runOnce } from '../idempotency/run-once.ts';
import { API_VERSION } from '../events/event.ts';
import { newId } from '../ids.ts';
import { Work } from '../store/work.ts';
import { readThrough, CLEAR_LENS, type Action, type ApiRequest, type Lens } from './api-request.ts';
import {
  authenticate,
  checkActingAccount,
  expiredKey,
  permissionError,
  type Caller,
} from './authenticate.ts';
import { exchange, type BeforeFault, type Plan, type Reply } from './exchange.ts';
import type { LockOf } from './object-locks.ts';
import { parseForm, type ParamTree } from './form.ts';
import { refusal, requestLine, type Outcome } from './outcome.ts';
import {
  invalidParameter,
  keyInUse,
  lockTimeout,
  rateLimited,
  serverError,
  StripeError,
} from './stripe-error.ts';

/** An Express handler for one action; `permission` is what a restricted key needs, `lockOf` names the object it changes. */
export function endpoint(
  context: Context,
  permission: string,
  action: Action,
  lockOf?: LockOf,
): RequestHandler {
  return async (req, res) => {
    const requestId = newId('req', 14);
    await exchange(context, req, res, (plan) =>
      serve(context, permission, action, { req, res, requestId, plan, lockOf }),
    );
  };
}

type Call = { req: Request; res: Response; requestId: string; plan: Plan; lockOf: LockOf | undefined };

async function serve(context: Context, permission: string, action: Action, call: Call): Promise<Reply> {
  const { req, requestId, plan } = call;
  let caller: Caller | undefined;
  try {
    const refused = plan.before && (await refuseByFault(context, call, plan.before));
    if (refused) return onTheWire(call, refused);
    caller = authenticate(context.store, req.headers.authorization);
    const mode = caller.key.livemode ? 'live' : 'test';
    if (!context.rateLimiter.take(`${caller.account.id}/${mode}`)) throw rateLimited();
    checkActingAccount(caller, headerOf(req, 'stripe-account'));
    if (!isPermitted(caller.key, permission)) throw permissionError(caller, permission);
    const request = apiRequest(context, call, caller);
    const outcome = await runOnce(request, action, {
      errorAfter: plan.after?.fault === 'error_after' ? plan.after : undefined,
      lock: call.lockOf?.(request),
    });
    return onTheWire(call, outcome);
  } catch (error) {
    if (error instanceof DroppedConnection) return null;
    const outcome = refusal(error, requestId, caller?.key.livemode ?? false);
    await journalRefusal(context, call, caller, outcome.status);
    return onTheWire(call, outcome);
  }
}

class DroppedConnection extends Error {}

async function refuseByFault(context: Context, call: Call, fault: BeforeFault): Promise<Outcome> {
  switch (fault.fault) {
    case 'drop_before_act':
      await journalRefusal(context, call, undefined, null);
      throw new DroppedConnection();
    case 'error_before':
      return refuseWithServerError(context, call, fault.status, fault.stored ?? false);
    case 'rate_limit':
      throw rateLimited();
    case 'revoked_credential':
      throw expiredKey(authenticate(context.store, call.req.headers.authorization).maskedKey);
    case 'idempotency_in_use':
      throw keyInUse(idempotencyKeyOf(call.req) ?? '');
    case 'lock_timeout':
      throw lockTimeout();
    default:
      throw new Error(`unknown fault ${JSON.stringify(fault satisfies never)}`);
  }
}

/** A 5xx without an effect. `stored` makes it the key's answer for good, as when Stripe itself fails. */
async function refuseWithServerError(
  context: Context,
  call: Call,
  status: number,
  stored: boolean,
): Promise<Outcome> {
  const failure = new StripeError(status, serverError(status), { executed: stored });
  if (!stored) throw failure;
  const request = apiRequest(context, call, authenticate(context.store, call.req.headers.authorization));
  const fail = () => {
    throw failure;
  };
  return runOnce(request, fail, {});
}

function apiRequest(context: Context, { req, requestId, plan }: Call, { account, key }: Caller): ApiRequest {
  const mode = context.store.mode(account.id, key.livemode);
  const nowMs = context.clock.now();
  const lens = lensOf(context, plan);
  return {
    context,
    id: (noun) => {
      const id = req.params['id'];
      if (typeof id !== 'string') throw new Error(`the route of a ${noun} has no :id`);
      return id;
    },
    method: req.method,
    path: req.path,
    params: paramsOf(req),
    apiVersion: headerOf(req, 'stripe-version') ?? null,
    account,
    livemode: key.livemode,
    mode,
    work: new Work(context.store, mode, nowMs, { requestId, idempotencyKey: idempotencyKeyOf(req) }),
    requestId,
    nowMs,
    read: (collection, id) => readThrough(lens, nowMs, collection, id),
  };
}

/** Only reads may look through a bent lens: Stripe's writes see the truth. */
function lensOf(context: Context, { target }: Plan): Lens {
  if (target.method !== 'GET') return CLEAR_LENS;
  const stale = context.faults.fire(['stale_get'], target);
  const hidden = context.faults.fire(['not_found_after_create'], target);
  return stale || hidden ? { staleMs: stale?.for_ms ?? 0, hiddenMs: hidden?.for_ms ?? 0 } : CLEAR_LENS;
}

/** POST parameters are in the body, all others in the query. Throws when they are not a form. */
function paramsOf(req: Request): ParamTree {
  const body: unknown = req.body;
  const query = req.url.indexOf('?') < 0 ? '' : req.url.slice(req.url.indexOf('?') + 1);
  const text = req.method === 'POST' && typeof body === 'string' ? body : query;
  const isForm =
    req.method !== 'POST' || text === '' || req.is('application/x-www-form-urlencoded') !== false;
  const params = isForm ? parseForm(text) : undefined;
  if (params) return params;
  throw invalidParameter(
    'Invalid request (check that your POST content type is application/x-www-form-urlencoded and its nesting is valid).',
  );
}

/** Keys count on POST only; elsewhere Stripe ignores them. */
function idempotencyKeyOf(req: Request): string | null {
  const key = headerOf(req, 'idempotency-key');
  return req.method === 'POST' && key ? key : null;
}

function headerOf(req: Request, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : undefined;
}

async function journalRefusal(
  context: Context,
  { req, requestId }: Call,
  caller: Caller | undefined,
  status: number | null,
): Promise<void> {
  const line = requestLine(
    { method: req.method, path: req.path, requestId, idempotencyKey: idempotencyKeyOf(req) },
    status,
  );
  const who = { account: caller?.account.id ?? null, livemode: caller?.key.livemode ?? null };
  await context.journal.append([{ ...line, ...who }], context.clock.now()).catch((error: unknown) => {
    // The refusal itself promised nothing; the next write will say that the journal is broken.
    console.error('a refused request could not be journalled', error);
  });
}

function onTheWire({ req, requestId }: Call, { status, text, headers }: Outcome): Reply {
  const key = idempotencyKeyOf(req);
  return {
    status,
    text,
    headers: {
      'Content-Type': 'application/json',
      'Request-Id': requestId,
      'Stripe-Version': headerOf(req, 'stripe-version') ?? API_VERSION,
      ...(key ? { 'Idempotency-Key': key } : {}),
      ...headers,
    },
  };
}
