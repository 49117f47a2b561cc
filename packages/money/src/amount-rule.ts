/**
 * How one provider writes amounts. Pure data: the only code that reads it is `provider-amount.ts`, so a provider's
 * peculiarity is a row of a table and never a branch.
 *
 * A "unit" below is one unit of the provider's last decimal: 1 for Stripe's EUR is a cent, 1 for PayPal's HUF a forint.
 */
export type AmountRule = {
  /** An integer of units, or decimal text in major units with all of the provider's decimals. */
  readonly form: 'integer' | 'decimal';
  /** How the currency is named: `mad`, `MAD` or `504`. */
  readonly currencyForm: 'lower' | 'upper' | 'numeric';
  /** ISO codes taken. Anything else is refused before a request is built. */
  readonly currencies: ReadonlySet<string>;
  /** Why a currency one might expect is not taken. */
  readonly refusals: Readonly<Record<string, string>>;
  /** The provider's decimals: ISO's, or the same number for every currency. */
  readonly exponent: 'iso' | number;
  /** Currencies whose decimals differ from `exponent`. */
  readonly exponentOverrides: Readonly<Record<string, number>>;
  /** Units must be a multiple of this, for currencies where not each unit exists. */
  readonly multiples: Readonly<Record<string, bigint>>;
  /** Widest amount in digits of units. */
  readonly digitsMax: number;
  /** Currencies allowed more digits. */
  readonly digitsMaxOverrides: Readonly<Record<string, number>>;
  /** Smallest charge in units, where the provider publishes one. Refunds and captures may be smaller. */
  readonly minimums: Readonly<Record<string, bigint>>;
};

/** The codes of a space-separated list, which reads better than a line per currency. */
export function codes(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}
