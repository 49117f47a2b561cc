import type { Account } from '../accounts/account.ts';
import type { Context } from '../context.ts';
import type { Collection } from '../store/collection.ts';
import type { Mode } from '../store/store.ts';
import type { Work } from '../store/work.ts';
import type { ParamTree } from './form.ts';

/** One authenticated call, as an action sees it. */
export type ApiRequest = {
  context: Context;
  id: (noun: string) => string;
  method: string;
  path: string;
  params: ParamTree;
  /** The `Stripe-Version` header; null leaves it to the account's default. */
  apiVersion: string | null;
  account: Account;
  livemode: boolean;
  /** The objects of this account in this mode. */
  mode: Mode;
  work: Work;
  requestId: string;
  nowMs: number;
  /** An object by its id, as this request may see it: older or not at all while a fault says so. */
  read: <T>(collection: Collection<T>, id: string) => T | undefined;
};

/** What an action answers; anything it answers has happened, and what it throws has not. */
export type Answer = { status: number; body: unknown };

export type Action = (request: ApiRequest) => Answer;

/** How a fault bends what a GET sees. */
export type Lens = { staleMs: number; hiddenMs: number };

export const CLEAR_LENS: Lens = { staleMs: 0, hiddenMs: 0 };

/** Reads through the lens: hidden while younger than `hiddenMs`, otherwise as it was `staleMs` ago. */
export function readThrough<T>(
  lens: Lens,
  nowMs: number,
  collection: Collection<T>,
  id: string,
): T | undefined {
  if (lens.hiddenMs > 0) {
    const createdAtMs = collection.createdAtMs(id);
    if (createdAtMs !== undefined && nowMs - createdAtMs < lens.hiddenMs) return undefined;
  }
  return lens.staleMs > 0 ? collection.asOf(id, nowMs - lens.staleMs) : collection.get(id);
}
