import type { AmountRule } from './amount-rule.ts';
import { CURRENCY_CODES, exponentOf, numericOf, requireCurrency, type CurrencyCode } from './currency.ts';
import { formatUnits } from './format-amount.ts';
import { money, requireBigint, type Money } from './money.ts';
import { MoneyError } from './money-error.ts';
import { parseUnits } from './parse-amount.ts';
import {
  AMOUNT_RULES,
  type AmountProvider,
  type DecimalProvider,
  type IntegerProvider,
} from './provider-rules.ts';

/**
 * The integer a provider's API takes for this amount. Never rounds: either the provider can say exactly this amount or
 * it throws `not_representable`. Throws `currency_not_supported`, `amount_negative` and `above_maximum` too.
 * Minimums are not looked at, since refunds and captures may be smaller: see {@link requireChargeable}.
 */
export function toProviderMinor(provider: IntegerProvider, value: Money): bigint {
  return toUnits(provider, value);
}

/**
 * The amount a provider reports as an integer. Negative integers pass (balance entries).
 * Throws `currency_not_supported`, and `not_representable` when the integer is finer than our minor unit or not one
 * the provider itself could have written: a report to look at, not to round.
 */
export function fromProviderMinor(provider: IntegerProvider, units: bigint, currency: string): Money {
  return fromUnits(provider, units, currency);
}

/** The decimal text a provider's API takes, with all of its decimals: "1234.50". Throws as {@link toProviderMinor}. */
export function toProviderDecimal(provider: DecimalProvider, value: Money): string {
  return formatUnits(toUnits(provider, value), providerExponent(ruleOf(provider), value.currency));
}

/**
 * The amount a provider reports as decimal text. For a JSON number (Payzone C) pass `String(number)`: the shortest
 * text that reads back as that number is the amount as written, up to 15 digits.
 * Throws as {@link fromProviderMinor}, and `amount_malformed` or `too_many_decimals` for other text.
 */
export function fromProviderDecimal(provider: DecimalProvider, text: string, currency: string): Money {
  const rule = ruleOf(provider);
  requireSupported(provider, rule, currency);
  return fromUnits(provider, parseUnits(text, providerExponent(rule, currency)), currency);
}

/** Whether the provider takes the currency at all. False for codes that are no currency. */
export function supportsCurrency(provider: AmountProvider, currency: string): boolean {
  return ruleOf(provider).currencies.has(currency);
}

/** How the provider names the currency: `mad` at Stripe, `504` at CMI, `MAD` elsewhere. */
export function toProviderCurrency(provider: AmountProvider, currency: string): string {
  const rule = ruleOf(provider);
  return writeCurrency(rule, requireSupported(provider, rule, currency));
}

/** The ISO code of the provider's name for a currency. Throws `currency_not_supported` for any other text. */
export function fromProviderCurrency(provider: AmountProvider, name: string): CurrencyCode {
  const rule = ruleOf(provider);
  const code = CURRENCY_CODES.find((one) => rule.currencies.has(one) && writeCurrency(rule, one) === name);
  if (code === undefined)
    throw new MoneyError('currency_not_supported', `${provider} has no currency of this name`);
  return code;
}

/**
 * The provider's smallest charge, or undefined where it publishes none for the currency.
 * Throws `unknown_currency` or `currency_not_supported`.
 */
export function minimumCharge(provider: AmountProvider, currency: string): Money | undefined {
  const rule = ruleOf(provider);
  const units = rule.minimums[requireSupported(provider, rule, currency)];
  return units === undefined ? undefined : fromUnits(provider, units, currency);
}

/**
 * Throws unless a new charge of this amount can be sent: everything {@link toProviderMinor} refuses, and
 * `below_minimum` for nothing at all or less than {@link minimumCharge}. Call it when a price is quoted, so that the
 * guest never meets the refusal.
 */
export function requireChargeable(provider: AmountProvider, value: Money): void {
  const units = toUnits(provider, value);
  const minimum = ruleOf(provider).minimums[value.currency] ?? 1n;
  if (units < minimum) {
    throw new MoneyError(
      'below_minimum',
      `${provider} charges no less than its minimum in ${value.currency}`,
    );
  }
}

function ruleOf(provider: AmountProvider): AmountRule {
  return AMOUNT_RULES[provider];
}

function toUnits(provider: AmountProvider, value: Money): bigint {
  const rule = ruleOf(provider);
  requireBigint(value.amountMinor);
  const currency = requireSupported(provider, rule, value.currency);
  if (value.amountMinor < 0n) {
    throw new MoneyError('amount_negative', 'an amount sent to a provider is not negative');
  }
  const units = rescale(
    provider,
    value.amountMinor,
    exponentOf(currency),
    providerExponent(rule, currency),
    currency,
  );
  requireMultiple(provider, rule, units, currency);
  const digitsMax = rule.digitsMaxOverrides[currency] ?? rule.digitsMax;
  if (units.toString().length > digitsMax) {
    throw new MoneyError('above_maximum', `${provider} takes at most ${digitsMax} digits in ${currency}`);
  }
  return units;
}

function fromUnits(provider: AmountProvider, units: bigint, code: string): Money {
  const rule = ruleOf(provider);
  requireBigint(units);
  const currency = requireSupported(provider, rule, code);
  requireMultiple(provider, rule, units, currency);
  return money(
    rescale(provider, units, providerExponent(rule, currency), exponentOf(currency), currency),
    currency,
  );
}

function providerExponent(rule: AmountRule, currency: string): number {
  return rule.exponentOverrides[currency] ?? (rule.exponent === 'iso' ? exponentOf(currency) : rule.exponent);
}

/** The same amount counted in units of another size. Throws `not_representable` if it falls between two of them. */
function rescale(provider: string, amount: bigint, from: number, to: number, currency: string): bigint {
  if (to >= from) return amount * 10n ** BigInt(to - from);
  const step = 10n ** BigInt(from - to);
  if (amount % step === 0n) return amount / step;
  throw new MoneyError(
    'not_representable',
    `${provider} and ${currency} share only ${to} decimals; the amount has more`,
  );
}

function requireMultiple(provider: string, rule: AmountRule, units: bigint, currency: string): void {
  const multiple = rule.multiples[currency] ?? 1n;
  if (units % multiple === 0n) return;
  throw new MoneyError(
    'not_representable',
    `${provider} takes ${currency} only in multiples of ${multiple} units`,
  );
}

function requireSupported(provider: string, rule: AmountRule, currency: string): CurrencyCode {
  const code = requireCurrency(currency);
  if (rule.currencies.has(code)) return code;
  throw new MoneyError('currency_not_supported', rule.refusals[code] ?? `${provider} does not take ${code}`);
}

function writeCurrency(rule: AmountRule, code: CurrencyCode): string {
  switch (rule.currencyForm) {
    case 'lower':
      return code.toLowerCase();
    case 'upper':
      return code;
    case 'numeric':
      return numericOf(code);
    default:
      throw new TypeError(`unknown currency form ${String(rule.currencyForm satisfies never)}`);
  }
}
