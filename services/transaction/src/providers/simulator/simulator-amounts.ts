import type { FailureCode } from '../failure.ts';

/** What a magic amount does to a charge with a card that would otherwise be approved. */
export type ChargeEffect =
  | { kind: 'decline'; code: FailureCode }
  /** The answer never arrives; `acted` says whether it had happened, `staleLookup` whether the first lookup misses it. */
  | { kind: 'lost'; acted: boolean; staleLookup?: true }
  | { kind: 'delay'; ms: number }
  /** Nobody answers: always, or only the first time. */
  | { kind: 'unreachable'; once: boolean }
  | { kind: 'partial' };

/** What it does to a capture, void, refund or adjustment of that amount. */
export type FollowUpEffect =
  | Extract<ChargeEffect, { kind: 'lost' | 'delay' | 'unreachable' | 'decline' }>
  | { kind: 'refund'; refund: 'pending_then_succeeded' | 'pending_then_failed' | 'succeeded_then_failed' };

const DELAY = { kind: 'delay', ms: 2_000 } as const;

/** Exact amounts in minor units of any currency, with what each does to a charge. All others are approved. */
export const CHARGE_AMOUNTS: ReadonlyMap<bigint, ChargeEffect> = new Map<bigint, ChargeEffect>([
  [66_601n, { kind: 'decline', code: 'card_declined' }],
  [66_602n, { kind: 'decline', code: 'insufficient_funds' }],
  [66_603n, { kind: 'decline', code: 'expired_card' }],
  [66_604n, { kind: 'decline', code: 'try_again_later' }],
  [66_605n, { kind: 'decline', code: 'suspected_fraud' }],
  [66_610n, { kind: 'lost', acted: true }],
  [66_611n, { kind: 'lost', acted: false }],
  [66_612n, { kind: 'lost', acted: true, staleLookup: true }],
  [66_620n, DELAY],
  [66_621n, { kind: 'delay', ms: 5_000 }],
  [66_630n, { kind: 'unreachable', once: false }],
  [66_631n, { kind: 'unreachable', once: true }],
  [66_660n, { kind: 'partial' }],
]);

/** The same for what follows a charge. Other numbers than above, so that a whole hold can be captured in peace. */
export const FOLLOW_UP_AMOUNTS: ReadonlyMap<bigint, FollowUpEffect> = new Map<bigint, FollowUpEffect>([
  [66_640n, { kind: 'lost', acted: true }],
  [66_641n, { kind: 'lost', acted: false }],
  [66_642n, { kind: 'lost', acted: true, staleLookup: true }],
  [66_643n, { kind: 'unreachable', once: true }],
  [66_644n, DELAY],
  [66_650n, { kind: 'decline', code: 'processing_error' }],
  [66_651n, { kind: 'refund', refund: 'pending_then_succeeded' }],
  [66_652n, { kind: 'refund', refund: 'pending_then_failed' }],
  [66_653n, { kind: 'refund', refund: 'succeeded_then_failed' }],
]);
