import { invalidParameter } from '../http/stripe-error.ts';
import { currencyRule, type CurrencyRule } from './currencies.ts';

/** Lower-cases a currency code. Throws when Stripe does not charge in it. */
export function checkCurrency(code: string): string {
  const currency = code.toLowerCase();
  if (!currencyRule(currency)) {
    throw invalidParameter(
      `Invalid currency: ${currency.slice(0, 20)}. Stripe does not support this currency.`,
      'currency',
    );
  }
  return currency;
}

/** Throws amount_too_small, amount_too_large or the refusal of a fraction the currency does not have. */
export function checkAmount(amount: number, currency: string): void {
  const rule = currencyRule(currency);
  if (!rule) throw invalidParameter(`Invalid currency: ${currency}`, 'currency');
  if (amount < 1)
    throw invalidParameter(
      'This value must be greater than or equal to 1.',
      'amount',
      'parameter_invalid_integer',
    );
  if (amount % rule.step !== 0) {
    throw invalidParameter(
      `Invalid amount: ${currency.toUpperCase()} amounts must be divisible by ${rule.step}.`,
      'amount',
      'invalid_charge_amount',
    );
  }
  if (amount < rule.minimum)
    throw invalidParameter(
      `Amount must be at least ${inMajorUnits(rule.minimum, currency, rule)}`,
      'amount',
      'amount_too_small',
    );
  if (amount > rule.maximum)
    throw invalidParameter(
      `Amount must be no more than ${inMajorUnits(rule.maximum, currency, rule)}`,
      'amount',
      'amount_too_large',
    );
}

const SYMBOLS: Record<string, string> = { aud: '$', cad: '$', eur: '€', gbp: '£', jpy: '¥', usd: '$' };

/** `€40.00`, or `MAD40.00` where Stripe has no sign: an amount inside a message. */
export function amountInWords(amount: number, currency: string): string {
  return `${SYMBOLS[currency] ?? currency.toUpperCase()}${decimal(amount, currencyRule(currency)?.decimals ?? 2)}`;
}

function inMajorUnits(amount: number, currency: string, { decimals }: CurrencyRule): string {
  const whole = decimal(amount, decimals);
  return currency === 'usd' ? `$${whole} usd` : `${whole} ${currency}`;
}

function decimal(amount: number, decimals: CurrencyRule['decimals']): string {
  const text = String(amount).padStart(decimals + 1, '0');
  return decimals === 0 ? text : `${text.slice(0, -decimals)}.${text.slice(-decimals)}`;
}
