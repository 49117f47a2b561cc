import type { Context } from '../context.ts';
import { CLEAR_LENS, readThrough, type ApiRequest } from '../http/api-request.ts';
import { requestLine } from '../http/outcome.ts';
import { newId } from '../ids.ts';
import type { Mode } from '../store/store.ts';
import { Work } from '../store/work.ts';
import { expireIfOverdue } from './expire-session.ts';

/** A guest, or a test in a guest's place, at the page of one session. */
export type Visit = { request: ApiRequest; sessionId: string };

type Call = { method: string; path: string };

/** Undefined when no account has such a session. One whose time is over is expired by the visit. */
export function openVisit(context: Context, sessionId: string, call: Call): Visit | undefined {
  const mode = context.store.checkouts.get(sessionId);
  const account = mode && context.store.accounts.get(mode.account);
  if (!mode || !account) return undefined;
  const nowMs = context.clock.now();
  const work = new Work(context.store, mode, nowMs, { requestId: null, idempotencyKey: null });
  expireIfOverdue(work, sessionId);
  const request: ApiRequest = {
    ...call,
    context,
    id: () => sessionId,
    params: {},
    apiVersion: null,
    // On Stripe's own page the card number never passes the account's server.
    account: { ...account, rawCardData: true },
    livemode: mode.livemode,
    mode,
    work,
    requestId: newId('req', 14),
    nowMs,
    read: (collection, id) => readThrough(CLEAR_LENS, nowMs, collection, id),
  };
  return { request, sessionId };
}

/** Puts what the visit did on disk, then tells the endpoints. The line never has the address, which lets anyone pay. */
export async function closeVisit({ request }: Visit, status: number): Promise<void> {
  const { context, livemode, method, mode, requestId, work } = request;
  const line = requestLine({ method, path: '/c/pay', requestId, idempotencyKey: null }, status);
  await context.journal.append([...work.lines, { ...line, account: mode.account, livemode }], work.nowMs);
  void context.webhooks.send(mode, work.events);
}

/** The modes of all accounts, for control calls that name an object and no account. */
export function findMode(context: Context, has: (mode: Mode) => boolean): Mode | undefined {
  return [...context.store.modes()].find(has);
}
