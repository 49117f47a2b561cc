import { codes, type AmountRule } from './amount-rule.ts';
import { CURRENCY_CODES } from './currency.ts';
import { STRIPE_AMOUNT_RULE } from './stripe-amount-rule.ts';

const EVERY_CURRENCY: ReadonlySet<string> = new Set(CURRENCY_CODES);

/** What a provider shares with ISO and with nobody's peculiarities. */
const NO_EXCEPTIONS = {
  refusals: {},
  exponent: 'iso',
  exponentOverrides: {},
  multiples: {},
  digitsMaxOverrides: {},
  minimums: {},
} as const;

// ISO 8583 field 4, the amount of a card authorisation, is twelve digits: what an acquirer's page sends on.
const CARD_AMOUNT_DIGITS_MAX = 12;

/** One row per provider API. */
export const AMOUNT_RULES = {
  stripe: STRIPE_AMOUNT_RULE,

  /** developer.paypal.com/docs/api/reference/currency-codes. HUF, JPY and TWD take no decimals. */
  paypal: {
    ...NO_EXCEPTIONS,
    form: 'decimal',
    currencyForm: 'upper',
    currencies: codes(`
      AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN RUB SEK SGD THB TWD USD`),
    refusals: {
      MAD: 'MAD is not a PayPal currency: quote in EUR or USD at a recorded rate',
      TND: 'TND is not a PayPal currency: quote in EUR or USD at a recorded rate',
    },
    exponentOverrides: { HUF: 0, TWD: 0 },
    // `value` is text of at most 32 characters, one of which may be the point.
    digitsMax: 31,
  },

  /** Payzone gateway and payment page (APIs A and B). Which currencies an account takes is its contract's business. */
  payzone_gateway: {
    ...NO_EXCEPTIONS,
    form: 'integer',
    currencyForm: 'upper',
    currencies: EVERY_CURRENCY,
    digitsMax: 10,
  },

  /** Payzone paywall and charges v3 (API C): decimal major units. Only dirham accounts are known to exist. */
  payzone_paywall: {
    ...NO_EXCEPTIONS,
    form: 'decimal',
    currencyForm: 'upper',
    currencies: codes('MAD'),
    digitsMax: CARD_AMOUNT_DIGITS_MAX,
  },

  /** CMI hosted page: decimal major units beside the numeric currency, MAD 504. */
  cmi: {
    ...NO_EXCEPTIONS,
    form: 'decimal',
    currencyForm: 'numeric',
    currencies: codes('MAD'),
    digitsMax: CARD_AMOUNT_DIGITS_MAX,
  },

  /** Tempo TIP-20 tokens: uint256 base units, `decimals()` is 6 for every token. */
  tempo: {
    ...NO_EXCEPTIONS,
    form: 'integer',
    currencyForm: 'upper',
    currencies: codes('EUR USD'),
    exponent: 6,
    // Every number of 77 digits is below 2^256.
    digitsMax: 77,
  },

  /** Our own simulator: ISO throughout. Fifteen digits are exact as a JSON number. */
  simulator: {
    ...NO_EXCEPTIONS,
    form: 'integer',
    currencyForm: 'upper',
    currencies: EVERY_CURRENCY,
    digitsMax: 15,
  },
} as const satisfies Record<string, AmountRule>;

/** A provider API with its own way of writing amounts. */
export type AmountProvider = keyof typeof AMOUNT_RULES;

type ProviderOfForm<F extends AmountRule['form']> = {
  [P in AmountProvider]: (typeof AMOUNT_RULES)[P]['form'] extends F ? P : never;
}[AmountProvider];

/** Providers that take an integer of units. */
export type IntegerProvider = ProviderOfForm<'integer'>;

/** Providers that take decimal text. */
export type DecimalProvider = ProviderOfForm<'decimal'>;
