import { MerchantState } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { orderAccess } from '../access/access-order.ts';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Actor } from '../audit/audit-event.ts';
import type { Transaction } from '../tenant.ts';

export const STATES = ['draft', 'submitted', 'verified', 'suspended', 'closed'] as const;

/** How far a hotel has come. Only a verified one takes live payments. */
export type State = (typeof STATES)[number];

/**
 * Every legal move. The database's `merchants_state_moves` says the same, and besides that a suspended hotel goes back to
 * what it was and nowhere else.
 */
export const LEGAL_MOVES: Readonly<Record<State, readonly State[]>> = {
  draft: ['submitted', 'suspended', 'closed'],
  submitted: ['draft', 'verified', 'suspended', 'closed'],
  verified: ['suspended', 'closed'],
  suspended: ['draft', 'submitted', 'verified', 'closed'],
  closed: [],
};

/** Where a hotel stands, and where it was before. */
export type Standing = { state: State; stateFrom: State | null; reason: string | null };

/** A wish: to a state, or (`restored`) back to what a suspended hotel was. */
export type Wish = { to: State | 'restored'; reason: string | null };

/** Locks the hotel's row and says where it stands; 404 when there is no such hotel. */
export async function lockStanding(tx: Transaction, merchantId: string): Promise<Standing> {
  const [row] = await tx.execute<Standing[]>(
    `select state, state_from as "stateFrom", state_reason as reason from merchants
      where merchant_id = ? for no key update`,
    [merchantId],
  );
  if (row === undefined) throw new AppError('not_found', { detail: 'This merchant is not registered.' });
  return row;
}

/**
 * The only place where a hotel's state changes; `standing` was read under the lock of its row. Answers whether anything
 * did: a repeated wish changes nothing. Throws `state_conflict` for a move that is not legal. What it means for access is
 * ordered in the same transaction; the caller has it delivered after the commit.
 */
export async function moveMerchant(
  tx: Transaction,
  by: Actor,
  merchantId: string,
  standing: Standing,
  wish: Wish,
): Promise<boolean> {
  const { state } = standing;
  const to = wish.to === 'restored' ? restoredState(standing) : wish.to;
  if (to === state) return false;
  if (!LEGAL_MOVES[state].includes(to))
    throw new AppError('state_conflict', { detail: `A ${state} hotel cannot become ${to}.` });
  await tx.execute(
    'update merchants set state = ?, state_reason = ?, updated_at = now() where merchant_id = ?',
    [to, wish.reason, merchantId],
  );
  await recordAuditEvent(tx, by, {
    merchantId,
    action: 'merchant.state_changed',
    objectId: toPublicId('mer', merchantId),
    before: { state, reason: standing.reason },
    after: { state: to, reason: wish.reason },
  });
  const suspended = isShut(to);
  if (suspended !== isShut(state))
    await orderAccess(tx, by, merchantId, { kind: 'access', suspended, reason: wish.reason ?? '' });
  return true;
}

/** A hotel that is not suspended is restored already; a closed one stays closed. */
function restoredState({ state, stateFrom }: Standing): State {
  if (state === 'closed') throw new AppError('state_conflict', { detail: 'A closed hotel stays closed.' });
  return state === 'suspended' && stateFrom !== null ? stateFrom : state;
}

function isShut(state: State): boolean {
  return state === 'suspended' || state === 'closed';
}

/** 409 for a hotel that is closed: nothing of it changes any more. */
export function requireOpen({ state }: { state: State }): void {
  if (state === 'closed') throw new AppError('state_conflict', { detail: 'This hotel is closed.' });
}

const CODES = {
  draft: MerchantState.MERCHANT_STATE_DRAFT,
  submitted: MerchantState.MERCHANT_STATE_SUBMITTED,
  verified: MerchantState.MERCHANT_STATE_VERIFIED,
  suspended: MerchantState.MERCHANT_STATE_SUSPENDED,
  closed: MerchantState.MERCHANT_STATE_CLOSED,
} as const satisfies Record<State, MerchantState>;

/** The state as gRPC names it. */
export function toStateCode(state: State): MerchantState {
  return CODES[state];
}

/** The state that gRPC named; undefined for none. */
export function fromStateCode(code: MerchantState): State | undefined {
  return STATES.find((state) => CODES[state] === code);
}
