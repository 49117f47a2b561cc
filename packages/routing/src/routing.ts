/** How a guest pays: with a token of the card vault, on the provider's own page, or with something that is no card. */
export const METHODS = ['card', 'card_page', 'paypal', 'stablecoin'] as const;
export type Method = (typeof METHODS)[number];

/** Brands that a rule or a hint may name, in our lower-case spelling. */
export const CARD_BRANDS = [
  'visa',
  'mastercard',
  'maestro',
  'amex',
  'diners',
  'discover',
  'jcb',
  'unionpay',
  'cartes_bancaires',
] as const;
export type CardBrand = (typeof CARD_BRANDS)[number];

/** What a payment must be for a rule to hold. An empty list, or an absent bound, holds for every payment. */
export type Conditions = {
  /** ISO 4217. */
  currencies: readonly string[];
  /** Minor units of the one currency that the rule then names; both bounds are inclusive. */
  amountMinMinor: bigint | undefined;
  amountMaxMinor: bigint | undefined;
  /** Of the guest, ISO 3166-1 alpha-2. */
  countries: readonly string[];
  cardBrands: readonly string[];
  /** Of the card's issuer, ISO 3166-1 alpha-2. */
  cardCountries: readonly string[];
  methods: readonly string[];
};

export type Rule = Conditions & {
  id: string;
  name: string;
  enabled: boolean;
  /** In the order in which they are tried. */
  accountIds: readonly string[];
};

/** An account of the hotel that is active, of the payment's mode, and moves money. */
export type RoutableAccount = {
  id: string;
  provider: string;
  name: string;
  /** Takes what no rule takes. */
  isDefault: boolean;
  /** What its provider carries. */
  methods: readonly string[];
};

/** Everything of one hotel and mode that the decision depends on. */
export type Routing = {
  /** In the order in which they are looked at. */
  rules: readonly Rule[];
  accounts: readonly RoutableAccount[];
  /** What the hotel accepts; empty: everything. */
  currencies: readonly string[];
  methods: readonly string[];
  /** Why an account that a rule may name is not among `accounts`, by its id; only for words. */
  unusable?: ReadonlyMap<string, string>;
};

/** What is known of a payment before it is sent anywhere. */
export type Facts = {
  amountMinor: bigint;
  currency: string;
  method: string;
  cardBrand?: string | undefined;
  /** Of the card's issuer. */
  cardCountry?: string | undefined;
  /** Of the guest. */
  country?: string | undefined;
};
