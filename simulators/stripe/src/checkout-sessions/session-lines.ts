import { checkCurrency } from '../amounts/check-amount.ts';
import { currencyRule } from '../amounts/currencies.ts';
import { formatAmount } from '../amounts/format-amount.ts';
import type { ApiRequest } from '../http/api-request.ts';
import { applyMetadata } from '../http/params.ts';
import { invalidParameter, resourceMissing } from '../http/stripe-error.ts';
import { newLineItem, type LineItem } from './line-item.ts';
import type { LineParams } from './session-params.ts';

/** The lines a request asks for, all in one currency. Throws Stripe's refusals, naming the line. */
export function lineItemsFrom(request: ApiRequest, lines: LineParams[], now: number): LineItem[] {
  const items = lines.map((line, at) => lineItemFrom(request, line, `line_items[${at}]`, now));
  const currency = items[0]?.currency;
  const other = items.findIndex((item) => item.currency !== currency);
  if (other < 0) return items;
  throw invalidParameter(
    `All line items of a Checkout Session must have the same currency; \`line_items[${other}]\` has ${items[other]?.currency}, not ${currency}.`,
    `line_items[${other}]`,
  );
}

function lineItemFrom(request: ApiRequest, line: LineParams, name: string, now: number): LineItem {
  if (line.price !== undefined) throw resourceMissing('price', line.price, `${name}[price]`, 400);
  const { price_data: price } = line;
  if (!price)
    throw missing(
      `${name}[price_data]`,
      'You must specify either `price` or `price_data` when creating a line item.',
    );
  if (price.product !== undefined)
    throw resourceMissing('product', price.product, `${name}[price_data][product]`, 400);
  if (!price.product_data) throw missing(`${name}[price_data][product_data]`);
  if (price.unit_amount === undefined) throw missing(`${name}[price_data][unit_amount]`);
  if (price.unit_amount < 0)
    throw invalidParameter(
      'Invalid non-negative integer',
      `${name}[price_data][unit_amount]`,
      'parameter_invalid_integer',
    );
  if (line.quantity === undefined)
    throw missing(`${name}[quantity]`, `Quantity is required. Add \`quantity\` to \`${name}\``);
  if (line.quantity < 1)
    throw invalidParameter(
      'This value must be greater than or equal to 1.',
      `${name}[quantity]`,
      'parameter_invalid_integer',
    );
  return newLineItem({
    name: price.product_data.name,
    currency: checkCurrency(price.currency),
    unitAmount: price.unit_amount,
    quantity: line.quantity,
    metadata: applyMetadata({}, line.metadata),
    taxBehavior: price.tax_behavior ?? 'unspecified',
    livemode: request.livemode,
    now,
  });
}

function missing(name: string, message = `Missing required param: ${name}.`) {
  return invalidParameter(message, name, 'parameter_missing');
}

/** The sum must be an amount that may be charged. Throws amount_too_small or amount_too_large. */
export function checkTotal(lineItems: LineItem[]): number {
  const total = lineItems.reduce((sum, { amount_total }) => sum + amount_total, 0);
  const currency = lineItems[0]?.currency ?? '';
  const rule = currencyRule(currency);
  const inWords = (amount: number) => formatAmount(amount, currency, 'en');
  if (!rule || total < rule.minimum)
    throw invalidParameter(
      `The Checkout Session's total amount due must add up to at least ${inWords(rule?.minimum ?? 0)}`,
      'line_items',
      'amount_too_small',
    );
  if (total > rule.maximum)
    throw invalidParameter(
      `The Checkout Session's total amount due must add up to no more than ${inWords(rule.maximum)}`,
      'line_items',
      'amount_too_large',
    );
  if (total % rule.step !== 0)
    throw invalidParameter(
      `Invalid amount: ${currency.toUpperCase()} amounts must be divisible by ${rule.step}.`,
      'line_items',
      'invalid_charge_amount',
    );
  return total;
}
