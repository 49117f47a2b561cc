import { createHash } from 'node:crypto';
import type { ChargeAttempt, HoldTerms, HostedAttempt } from '../provider.ts';
import { brandRules, cardOfSlug, slugOf } from './simulator-cards.ts';
import type { TestCard } from './simulator-cards.ts';

/** What the simulator's bank knows of a payment from its charge alone. */
export type PaymentFacts = {
  state: 'approved' | 'declined';
  captureMethod: 'automatic' | 'manual';
  /** What was approved. */
  amountMinor: bigint;
  currency: string;
  /** To the second. */
  createdAt: Date;
  holdDays: number;
  multipleCapture: boolean;
  incremental: boolean;
  overcapture: boolean;
  card: TestCard;
};

const DAY_MS = 24 * 60 * 60_000;

/** The facts of a charge that was decided so. A pure function of the operation. */
export function factsOf(
  attempt: ChargeAttempt | HostedAttempt,
  card: TestCard,
  decided: { state: 'approved' | 'declined'; amountMinor: bigint },
): PaymentFacts {
  const rules = brandRules(card.brand);
  const { multipleCapture, incremental, overcapture, extended } = attempt.extras;
  const isMerchants = 'initiation' in attempt && attempt.initiation === 'merchant';
  const holdDays = isMerchants ? rules.merchantHoldDays : rules.holdDays;
  const allowsExtras = attempt.captureMethod === 'manual' && card.noExtras !== true;
  return {
    ...decided,
    captureMethod: attempt.captureMethod,
    currency: attempt.money.currency,
    createdAt: attempt.createdAt,
    holdDays: extended ? Math.max(holdDays, rules.extendedHoldDays) : holdDays,
    multipleCapture: allowsExtras && multipleCapture && rules.multipleCapture,
    incremental: allowsExtras && incremental && rules.incremental,
    overcapture: allowsExtras && overcapture && rules.overcapturePercent > 0n,
    card,
  };
}

/**
 * The payment's id at this provider. It carries the facts, so that a charge needs no row: a hash of the key, then the
 * state (a)pproved or (d)eclined, the method (a)utomatic or (h)old and its extras, currency, amount, time and card.
 * Letters stand between the digits: no part of it may look like a card number.
 */
export function toReference(providerKey: string, facts: PaymentFacts): string {
  const hash = digest(providerKey, 24);
  const extras = `${facts.multipleCapture ? 'm' : ''}${facts.incremental ? 'i' : ''}${facts.overcapture ? 'o' : ''}`;
  return [
    `sim_${hash.slice(0, 12)}x${hash.slice(12)}`,
    `${facts.state === 'approved' ? 'a' : 'd'}${facts.captureMethod === 'manual' ? 'h' : 'a'}${extras}`,
    facts.currency,
    `a${facts.amountMinor.toString(36)}`,
    `t${Math.floor(facts.createdAt.getTime() / 1_000).toString(36)}`,
    `h${facts.holdDays}`,
    slugOf(facts.card),
  ].join('-');
}

const REFERENCE =
  /^sim_[0-9a-f]{12}x[0-9a-f]{12}-([ad])([ah])(m?)(i?)(o?)-([A-Z]{3})-a([0-9a-z]{1,12})-t([0-9a-z]{1,8})-h(\d{1,2})-([a-z0-9_]{1,60})$/;

/** The facts in a reference; undefined when it is not one of ours. */
export function parseReference(reference: string): PaymentFacts | undefined {
  const found = REFERENCE.exec(reference);
  if (found === null) return undefined;
  const [, state, method, multiple, incremental, over, currency = '', amount = '', time = '', days, slug] =
    found;
  const card = cardOfSlug(slug ?? '');
  if (card === undefined) return undefined;
  return {
    state: state === 'a' ? 'approved' : 'declined',
    captureMethod: method === 'h' ? 'manual' : 'automatic',
    amountMinor: fromBase36(amount),
    currency,
    createdAt: new Date(Number.parseInt(time, 36) * 1_000),
    holdDays: Number(days),
    multipleCapture: multiple !== '',
    incremental: incremental !== '',
    overcapture: over !== '',
    card,
  };
}

/** When the bank lets go of the hold. */
export function expiryOf(facts: PaymentFacts): Date {
  return new Date(facts.createdAt.getTime() + facts.holdDays * DAY_MS);
}

/** What a hold of that size allows. */
export function holdTermsOf(facts: PaymentFacts, authorizedMinor: bigint): HoldTerms {
  const percent = facts.overcapture ? brandRules(facts.card.brand).overcapturePercent : 0n;
  return {
    expiresAt: new Date(Math.floor(expiryOf(facts).getTime() / 1_000) * 1_000),
    multipleCapture: facts.multipleCapture,
    incremental: facts.incremental,
    overcaptureMinor: (authorizedMinor * percent) / 100n,
  };
}

/** The first so many hexadecimal digits of the hash of a text. */
export function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

function fromBase36(text: string): bigint {
  let value = 0n;
  for (const letter of text) value = value * 36n + BigInt(Number.parseInt(letter, 36));
  return value;
}
