import type { FailureCode } from '../failure.ts';
import type { CardSummary } from '../provider.ts';

/** What the bank of a card does beyond approving and declining. */
export type CardBehaviour = {
  /** Declined at once. */
  decline?: FailureCode;
  /** The card holder must confirm on the bank's page first; `decline` is what the bank says afterwards. */
  challenge?: { decline?: FailureCode };
  /** Softly declined until it is tried for the nth time on one payment (each time with a key of its own). */
  approvesOnTry?: number;
  /** Each try is approved with this chance in percent, decided by its key. */
  approvesPercent?: number;
  /** The bank approves half of the amount, for whoever accepts a part. */
  partialApproval?: true;
  /** Holds of it can neither be captured several times nor raised nor captured beyond. */
  noExtras?: true;
  captureDecline?: FailureCode;
  raiseDecline?: FailureCode;
  refund?: 'pending_then_succeeded' | 'pending_then_failed' | 'succeeded_then_failed' | 'declined';
  dispute?: { reason: string; isInquiry: boolean };
};

/** One documented test card: its token, and how a vault shows the published test number it stands for. */
export type TestCard = CardBehaviour & {
  token: string;
  brand: string;
  first6: string;
  last4: string;
  /** No published number behaves so: only the token does, and shows itself as the brand's ordinary card. */
  tokenOnly?: true;
};

const VISA = { brand: 'visa', first6: '400000' };
const ORDINARY_VISA = { brand: 'visa', first6: '424242', last4: '4242', tokenOnly: true } as const;

/** Every card the simulator knows; the numbers are Stripe's published test cards, masked. */
export const TEST_CARDS: readonly TestCard[] = [
  { token: 'sim_card_visa', brand: 'visa', first6: '424242', last4: '4242' },
  { token: 'sim_card_mastercard', brand: 'mastercard', first6: '555555', last4: '4444' },
  { token: 'sim_card_amex', brand: 'amex', first6: '378282', last4: '0005' },
  { token: 'sim_card_discover', brand: 'discover', first6: '601111', last4: '1117' },
  { token: 'sim_card_declined', ...VISA, last4: '0002', decline: 'card_declined' },
  { token: 'sim_card_insufficient_funds', ...VISA, last4: '9995', decline: 'insufficient_funds' },
  { token: 'sim_card_lost', ...VISA, last4: '9987', decline: 'lost_card' },
  { token: 'sim_card_stolen', ...VISA, last4: '9979', decline: 'stolen_card' },
  { token: 'sim_card_expired', ...VISA, last4: '0069', decline: 'expired_card' },
  { token: 'sim_card_incorrect_cvc', ...VISA, last4: '0127', decline: 'incorrect_cvc' },
  { token: 'sim_card_incorrect_number', ...ORDINARY_VISA, decline: 'incorrect_number' },
  { token: 'sim_card_invalid_expiry', ...ORDINARY_VISA, decline: 'invalid_expiry' },
  { token: 'sim_card_processing_error', ...VISA, last4: '0119', decline: 'processing_error' },
  { token: 'sim_card_try_again_later', ...ORDINARY_VISA, decline: 'try_again_later' },
  {
    token: 'sim_card_suspected_fraud',
    brand: 'visa',
    first6: '410000',
    last4: '0019',
    decline: 'suspected_fraud',
  },
  { token: 'sim_card_not_supported', ...ORDINARY_VISA, decline: 'card_not_supported' },
  { token: 'sim_card_token_invalid', ...ORDINARY_VISA, decline: 'card_token_invalid' },
  {
    token: 'sim_card_authentication_required',
    brand: 'visa',
    first6: '400000',
    last4: '3184',
    challenge: {},
  },
  {
    token: 'sim_card_challenge_then_declined',
    ...VISA,
    last4: '1629',
    challenge: { decline: 'card_declined' },
  },
  {
    token: 'sim_card_challenge_then_insufficient_funds',
    ...VISA,
    last4: '3178',
    challenge: { decline: 'insufficient_funds' },
  },
  { token: 'sim_card_recovers_on_second_try', ...ORDINARY_VISA, approvesOnTry: 2 },
  { token: 'sim_card_recovers_on_third_try', ...ORDINARY_VISA, approvesOnTry: 3 },
  { token: 'sim_card_recovers_by_chance', ...ORDINARY_VISA, approvesPercent: 50 },
  { token: 'sim_card_recovers_rarely', ...ORDINARY_VISA, approvesPercent: 20 },
  { token: 'sim_card_partial_approval', ...ORDINARY_VISA, partialApproval: true },
  { token: 'sim_card_no_extras', ...VISA, last4: '0076', noExtras: true },
  { token: 'sim_card_capture_declined', ...ORDINARY_VISA, captureDecline: 'processing_error' },
  { token: 'sim_card_raise_declined', ...ORDINARY_VISA, raiseDecline: 'insufficient_funds' },
  { token: 'sim_card_refund_pending', ...VISA, last4: '7726', refund: 'pending_then_succeeded' },
  { token: 'sim_card_refund_pending_fails', ...ORDINARY_VISA, refund: 'pending_then_failed' },
  { token: 'sim_card_refund_fails_later', ...VISA, last4: '5126', refund: 'succeeded_then_failed' },
  { token: 'sim_card_refund_declined', ...ORDINARY_VISA, refund: 'declined' },
  { token: 'sim_card_dispute', ...VISA, last4: '0259', dispute: { reason: 'fraudulent', isInquiry: false } },
  {
    token: 'sim_card_dispute_not_received',
    ...VISA,
    last4: '2685',
    dispute: { reason: 'product_not_received', isInquiry: false },
  },
  { token: 'sim_card_inquiry', ...VISA, last4: '1976', dispute: { reason: 'general', isInquiry: true } },
];

/** How holds of a brand behave. Days as the schemes publish them for hotels; banks may differ. */
export type BrandRules = {
  holdDays: number;
  /** When the payment was started by the hotel, without the guest. */
  merchantHoldDays: number;
  /** When an extended hold was asked for. */
  extendedHoldDays: number;
  multipleCapture: boolean;
  incremental: boolean;
  /** How much beyond the hold may be captured, in percent of it. */
  overcapturePercent: bigint;
};

const ORDINARY: BrandRules = {
  holdDays: 7,
  merchantHoldDays: 7,
  extendedHoldDays: 7,
  multipleCapture: false,
  incremental: false,
  overcapturePercent: 0n,
};
const EVERYTHING = { multipleCapture: true, incremental: true, overcapturePercent: 15n };

export const BRANDS: ReadonlyMap<string, BrandRules> = new Map<string, BrandRules>([
  ['visa', { holdDays: 7, merchantHoldDays: 5, extendedHoldDays: 30, ...EVERYTHING }],
  ['mastercard', { holdDays: 7, merchantHoldDays: 7, extendedHoldDays: 30, ...EVERYTHING }],
  ['amex', { ...ORDINARY, incremental: true }],
  ['discover', { ...ORDINARY, holdDays: 10, merchantHoldDays: 10, extendedHoldDays: 30 }],
  ['any other', ORDINARY],
]);

export function brandRules(brand: string): BrandRules {
  return BRANDS.get(brand) ?? ORDINARY;
}

// A fixed expiry far ahead: the simulator's own tokens stand for cards that do not run out.
const TOKEN_EXPIRY = { expiryMonth: 12, expiryYear: 2049 };

export type FoundCard = { test: TestCard; summary: CardSummary };

/** The card of a documented token. */
export function cardOfToken(token: string): FoundCard | undefined {
  const test = TEST_CARDS.find((card) => card.token === token);
  return test === undefined
    ? undefined
    : { test, summary: { brand: test.brand, last4: test.last4, ...TOKEN_EXPIRY } };
}

/** The card of a vault's masked description. A card that is not documented is approved, like any ordinary card. */
export function cardOfVaulted(masked: CardSummary & { first6: string }): FoundCard {
  const { first6, ...summary } = masked;
  const test = TEST_CARDS.find(
    (card) => card.tokenOnly !== true && card.first6 === first6 && card.last4 === masked.last4,
  );
  return { test: test ?? ordinaryCard(masked.brand), summary };
}

// How a card that is not documented is called in references.
const ORDINARY_PREFIX = 'ordinary_';

function ordinaryCard(brand: string): TestCard {
  const word = brand.toLowerCase().replaceAll(/[^a-z0-9]/g, '_');
  return { token: `sim_card_${ORDINARY_PREFIX}${word}`, brand: word, first6: '', last4: '' };
}

/** The card that a reference names; undefined when there is none such. */
export function cardOfSlug(slug: string): TestCard | undefined {
  if (slug.startsWith(ORDINARY_PREFIX)) return ordinaryCard(slug.slice(ORDINARY_PREFIX.length));
  return TEST_CARDS.find((card) => slugOf(card) === slug);
}

/** Its short name in references: the token without its prefix. */
export function slugOf(card: TestCard): string {
  return card.token.slice('sim_card_'.length);
}
