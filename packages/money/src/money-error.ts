/** Stable codes: callers branch on them, messages may change. */
export type MoneyErrorCode =
  /** Not an upper-case ISO 4217 code of a currency in use. */
  | 'unknown_currency'
  /** Two currencies in one sum or comparison. */
  | 'currency_mismatch'
  /** A float, NaN, text or anything else where an exact integer belongs. */
  | 'amount_not_integer'
  /** Beyond what the column, the JSON number or the text field can hold exactly. */
  | 'amount_out_of_range'
  /** Text that is not plain digits with at most one point. */
  | 'amount_malformed'
  /** More decimals than the currency has. */
  | 'too_many_decimals'
  /** A negative amount where only a quantity of money makes sense. */
  | 'amount_negative'
  /** An exchange rate that is not a positive plain decimal, or not 1 within one currency. */
  | 'invalid_rate'
  /** Basis points that are no integer or outside their range. */
  | 'invalid_basis_points'
  /** A division by something other than a positive integer. */
  | 'invalid_divisor'
  /** No weights, too many, a negative one, or all zero. */
  | 'invalid_weights'
  /** A locale tag Intl does not accept. */
  | 'invalid_locale'
  /** The provider does not take this currency. */
  | 'currency_not_supported'
  /** The provider takes the currency but cannot express this amount exactly. */
  | 'not_representable'
  /** Less than the provider's published minimum for a charge. */
  | 'below_minimum'
  /** More digits than the provider's field holds. */
  | 'above_maximum';

/** A refusal by the money package. The message says why in words and carries no personal data. */
export class MoneyError extends Error {
  override readonly name = 'MoneyError';
  readonly code: MoneyErrorCode;

  constructor(code: MoneyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
