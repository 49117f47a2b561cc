import type { FailureCode } from '../failure.ts';
import type { CardSummary } from '../provider.ts';

/** One documented test card: its token, and how a vault shows the published test number it stands for. */
export type TestCard = { token: string; brand: string; first6: string; last4: string; decline?: FailureCode };

/** Every card the simulator knows; the numbers are Stripe's published test cards, masked. */
export const TEST_CARDS: readonly TestCard[] = [
  { token: 'sim_card_visa', brand: 'visa', first6: '424242', last4: '4242' },
  { token: 'sim_card_mastercard', brand: 'mastercard', first6: '555555', last4: '4444' },
  { token: 'sim_card_amex', brand: 'amex', first6: '378282', last4: '0005' },
  { token: 'sim_card_declined', brand: 'visa', first6: '400000', last4: '0002', decline: 'card_declined' },
  {
    token: 'sim_card_insufficient_funds',
    brand: 'visa',
    first6: '400000',
    last4: '9995',
    decline: 'insufficient_funds',
  },
  { token: 'sim_card_lost', brand: 'visa', first6: '400000', last4: '9987', decline: 'lost_card' },
  { token: 'sim_card_stolen', brand: 'visa', first6: '400000', last4: '9979', decline: 'stolen_card' },
  { token: 'sim_card_expired', brand: 'visa', first6: '400000', last4: '0069', decline: 'expired_card' },
  {
    token: 'sim_card_incorrect_cvc',
    brand: 'visa',
    first6: '400000',
    last4: '0127',
    decline: 'incorrect_cvc',
  },
  {
    token: 'sim_card_processing_error',
    brand: 'visa',
    first6: '400000',
    last4: '0119',
    decline: 'processing_error',
  },
  {
    token: 'sim_card_authentication_required',
    brand: 'visa',
    first6: '400000',
    last4: '3184',
    decline: 'authentication_required',
  },
];

/** What a magic amount does with a card that would otherwise be approved. */
export type AmountEffect =
  | { kind: 'decline'; code: FailureCode }
  /** The answer never arrives; `charged` says whether the charge had happened. */
  | { kind: 'lost'; charged: boolean }
  | { kind: 'delay'; ms: number }
  | { kind: 'unreachable' };

/** Exact amounts in minor units of any currency, with what each does. All others are approved. */
export const MAGIC_AMOUNTS: ReadonlyMap<bigint, AmountEffect> = new Map<bigint, AmountEffect>([
  [66_601n, { kind: 'decline', code: 'card_declined' }],
  [66_602n, { kind: 'decline', code: 'insufficient_funds' }],
  [66_603n, { kind: 'decline', code: 'expired_card' }],
  [66_604n, { kind: 'decline', code: 'try_again_later' }],
  [66_605n, { kind: 'decline', code: 'suspected_fraud' }],
  [66_610n, { kind: 'lost', charged: true }],
  [66_611n, { kind: 'lost', charged: false }],
  [66_620n, { kind: 'delay', ms: 2_000 }],
  [66_630n, { kind: 'unreachable' }],
]);

// A fixed expiry far ahead: the simulator's own tokens stand for cards that do not run out.
const TOKEN_EXPIRY = { expiryMonth: 12, expiryYear: 2049 };

/** The card of a documented token. */
export function cardOfToken(token: string): { test: TestCard; summary: CardSummary } | undefined {
  const test = TEST_CARDS.find((card) => card.token === token);
  return test === undefined
    ? undefined
    : { test, summary: { brand: test.brand, last4: test.last4, ...TOKEN_EXPIRY } };
}

/** The card of a vault's masked description. A card that is not documented is approved, like any ordinary card. */
export function cardOfVaulted(masked: CardSummary & { first6: string }): {
  test: TestCard;
  summary: CardSummary;
} {
  const { first6, ...summary } = masked;
  const test = TEST_CARDS.find((card) => card.first6 === first6 && card.last4 === masked.last4);
  return { test: test ?? { token: '', brand: masked.brand, first6, last4: masked.last4 }, summary };
}

/** What the amount does, if it is a magic one. */
export function amountEffect(amountMinor: bigint): AmountEffect | undefined {
  return MAGIC_AMOUNTS.get(amountMinor);
}
