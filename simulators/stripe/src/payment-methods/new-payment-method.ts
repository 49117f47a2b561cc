import { z } from 'zod';

import type { Account } from '../accounts/account.ts';
import type { ApiRequest } from '../http/api-request.ts';
import { integer, metadata, requiredText, text } from '../http/params.ts';
import { StripeError } from '../http/stripe-error.ts';
import { buildPaymentMethod } from './build-payment-method.ts';
import { brandOf, isCvcLength, passesLuhn, type Brand } from './card-number.ts';
import type { PaymentMethodRecord } from './payment-method.ts';
import { testCardOf } from './test-cards.ts';

const address = z.strictObject({
  city: text().optional(),
  country: text().optional(),
  line1: text().optional(),
  line2: text().optional(),
  postal_code: text().optional(),
  state: text().optional(),
});

const billingDetails = z.strictObject({
  address: address.optional(),
  email: text(800).optional(),
  name: text().optional(),
  phone: text().optional(),
  tax_id: text().optional(),
});

/** What creates a payment method, also inside a PaymentIntent as `payment_method_data`. */
export const paymentMethodShape = {
  type: z.enum(['card']),
  card: z.strictObject({
    number: requiredText(100),
    exp_month: integer,
    exp_year: integer,
    cvc: text(100).optional(),
    networks: z.strictObject({ preferred: text(20).optional() }).optional(),
  }),
  billing_details: billingDetails.optional(),
  metadata: metadata.optional(),
  allow_redisplay: z.enum(['always', 'limited', 'unspecified']).optional(),
};

export const paymentMethodData = z.strictObject(paymentMethodShape);
export type PaymentMethodParams = z.output<typeof paymentMethodData>;

/**
 * Checks a card and makes its record, without saving it.
 * Throws Stripe's card errors (402), and its refusal of raw numbers when the account is not allowed to send them.
 */
export function newPaymentMethod(request: ApiRequest, params: PaymentMethodParams): PaymentMethodRecord {
  refuseRawCardData(request.account, request.livemode);
  const number = params.card.number.replaceAll(/[ -]/g, '');
  const { brand, funding, behaviour } = checkNumber(number, request.livemode);
  const exp_year = params.card.exp_year < 100 ? 2_000 + params.card.exp_year : params.card.exp_year;
  checkExpiry(params.card.exp_month, exp_year, request.nowMs);
  const { cvc } = params.card;
  if (cvc && !isCvcLength(cvc, brand))
    throw cardError('invalid_cvc', "Your card's security code is invalid.", 'cvc');
  return buildPaymentMethod(request, {
    number,
    brand,
    funding,
    behaviour,
    exp_month: params.card.exp_month,
    exp_year,
    cvcGiven: Boolean(cvc),
    billing: params.billing_details ?? {},
    metadata: params.metadata?.values ?? {},
    allow_redisplay: params.allow_redisplay ?? 'unspecified',
  });
}

function refuseRawCardData(account: Account, livemode: boolean): void {
  if (account.rawCardData) return;
  const message = livemode
    ? 'Sending credit card numbers directly to the Stripe API is generally unsafe. To continue processing use Stripe.js, the Stripe ' +
      'mobile bindings, or Stripe Elements. If you are qualified to handle card data directly, see ' +
      'https://support.stripe.com/questions/enabling-access-to-raw-card-data-apis.'
    : 'Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens that map to the test ' +
      'card you are using, see https://stripe.com/docs/testing. To enable testing raw card data APIs, see ' +
      'https://support.stripe.com/questions/enabling-access-to-raw-card-data-apis.';
  throw new StripeError(402, { type: 'invalid_request_error', message }, { executed: true });
}

function checkNumber(
  number: string,
  livemode: boolean,
): { brand: Brand; funding: string; behaviour: string } {
  if (!/^\d{12,19}$/.test(number))
    throw cardError('invalid_number', 'The card number is not a valid credit card number.', 'number');
  if (!passesLuhn(number)) throw cardError('incorrect_number', 'Your card number is incorrect.', 'number');
  const known = testCardOf(number);
  if (known) return known;
  if (livemode) return { brand: brandOf(number), funding: 'credit', behaviour: 'success' };
  const message =
    'Your card was declined. Your request was in test mode, but used a non test (live) card. ' +
    'For a list of valid test cards, visit: https://stripe.com/docs/testing.';
  throw cardError('card_declined', message, undefined, 'test_mode_live_card');
}

function checkExpiry(month: number, year: number, nowMs: number): void {
  const now = new Date(nowMs);
  const thisYear = now.getUTCFullYear();
  if (month < 1 || month > 12)
    throw cardError('invalid_expiry_month', "Your card's expiration month is invalid.", 'exp_month');
  // Issuers print at most 20 years ahead; Stripe refuses a year more than 50 away.
  if (year < thisYear || year > thisYear + 50)
    throw cardError('invalid_expiry_year', "Your card's expiration year is invalid.", 'exp_year');
  if (year === thisYear && month < now.getUTCMonth() + 1) {
    throw cardError('invalid_expiry_month', "Your card's expiration month is invalid.", 'exp_month');
  }
}

function cardError(code: string, message: string, param?: string, declineCode?: string): StripeError {
  const more = { ...(param ? { param } : {}), ...(declineCode ? { decline_code: declineCode } : {}) };
  return new StripeError(402, { type: 'card_error', code, message, ...more }, { executed: true });
}
