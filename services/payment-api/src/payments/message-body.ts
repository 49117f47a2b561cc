import type { Money } from '@centra/proto/centra/money/v1/money.ts';

/**
 * Without what protobuf cannot tell from absent: empty texts, false, and objects without members. An absent field and
 * one that says nothing are then one request, as over HTTP.
 */
export function withoutEmpty(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) =>
        value !== undefined &&
        value !== '' &&
        value !== false &&
        !(typeof value === 'object' && value !== null && Object.keys(value).length === 0),
    ),
  );
}

/** The `amount` and `currency` of a body. An amount that a double cannot hold stays outside what the schema lets through. */
export function toBodyAmount(amount: Money | undefined): { amount?: number; currency?: string } {
  if (amount === undefined) return {};
  const { amountMinor, currency } = amount;
  return { amount: Number(amountMinor), ...(currency === '' ? {} : { currency }) };
}
