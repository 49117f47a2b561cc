import type { FailureCode } from '../providers/failure.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * When a soft decline is tried again, by its reason: the pause before each further attempt. What is not here is hard and is
 * never tried again: the schemes fine for it (Visa allows 15 repeats in 30 days and none of its category 1 codes, Mastercard
 * none after "do not try again"). Money comes with pay day, so a card without funds waits for days; a bank that stumbled
 * is well again within hours.
 */
export const SOFT_DECLINES: ReadonlyMap<FailureCode, readonly number[]> = new Map<FailureCode, number[]>([
  ['insufficient_funds', [DAY_MS, 3 * DAY_MS, 5 * DAY_MS]],
  ['try_again_later', [HOUR_MS, 6 * HOUR_MS, DAY_MS]],
  ['processing_error', [15 * MINUTE_MS, 2 * HOUR_MS, 12 * HOUR_MS]],
]);

/** Attempts of one payment in all, whatever the reasons: far below what any scheme allows. */
export const ATTEMPTS_MAX = 4;

type Declined = {
  /** Of the attempt that was declined, from 1. */
  sequence: number;
  code: FailureCode;
  initiation: 'customer' | 'merchant' | 'moto';
  /** The hotel's consent, given with the payment. */
  mayRetry: boolean;
};

/** How long to wait before the next attempt, in milliseconds; undefined: the decline is final. */
export function retryDelayMs({ sequence, code, initiation, mayRetry }: Declined): number | undefined {
  // A guest who is there chooses another card at once; charging this one tomorrow would surprise them.
  if (!mayRetry || initiation === 'customer' || sequence >= ATTEMPTS_MAX) return undefined;
  return SOFT_DECLINES.get(code)?.[sequence - 1];
}
