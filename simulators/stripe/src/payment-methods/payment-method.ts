import type { ApiRequest } from '../http/api-request.ts';
import { resourceMissing } from '../http/stripe-error.ts';
import { buildPaymentMethod } from './build-payment-method.ts';
import type { Brand } from './card-number.ts';
import { testCardOfAlias } from './test-cards.ts';

export type Address = {
  city: string | null;
  country: string | null;
  line1: string | null;
  line2: string | null;
  postal_code: string | null;
  state: string | null;
};

export type BillingDetails = {
  address: Address;
  email: string | null;
  name: string | null;
  phone: string | null;
  tax_id: string | null;
};

/** The object as the API shows it. */
export type PaymentMethod = {
  id: string;
  object: 'payment_method';
  allow_redisplay: string;
  billing_details: BillingDetails;
  card: {
    brand: Brand;
    checks: {
      address_line1_check: string | null;
      address_postal_code_check: string | null;
      cvc_check: string | null;
    };
    country: string;
    display_brand: string;
    exp_month: number;
    exp_year: number;
    fingerprint: string;
    funding: string;
    generated_from: null;
    last4: string;
    networks: { available: string[]; preferred: string | null };
    regulated_status: string;
    three_d_secure_usage: { supported: boolean };
    wallet: null;
  };
  created: number;
  customer: null;
  customer_account: null;
  livemode: boolean;
  metadata: Record<string, string>;
  type: 'card';
};

/** What is stored: the object, and how its card behaves. Never the number, never the security code. */
export type PaymentMethodRecord = {
  method: PaymentMethod;
  behaviour: string;
  cvcGiven: boolean;
  /** The payment that used it up; without a customer a payment method pays once. */
  usedBy: string | null;
  /** A payment with `setup_future_usage` succeeded, so that it may pay again. */
  setUp: boolean;
};

/**
 * The payment method an id names: one of the account's own, or in test mode a fresh one for an alias such as
 * `pm_card_visa`. A fresh one is not saved yet. Throws resource_missing (400, or 404 for an id in the path).
 */
export function findPaymentMethod(
  request: ApiRequest,
  id: string,
  status: 400 | 404 = 400,
): PaymentMethodRecord {
  const testCard = request.livemode ? undefined : testCardOfAlias(id);
  if (testCard) {
    const exp_year = new Date(request.nowMs).getUTCFullYear() + 1;
    const billing = {};
    return buildPaymentMethod(request, {
      ...testCard,
      exp_month: 12,
      exp_year,
      cvcGiven: true,
      billing,
      metadata: {},
      allow_redisplay: 'unspecified',
    });
  }
  const found = request.read(request.mode.paymentMethods, id);
  if (!found) throw resourceMissing('PaymentMethod', id, 'payment_method', status);
  return found;
}

/** Saves a record this request made; one that exists already is left as it is. */
export function savePaymentMethod(request: ApiRequest, made: PaymentMethodRecord): void {
  const { method } = made;
  if (request.mode.paymentMethods.has(method.id)) return;
  request.work.save({ type: 'payment_method', value: made });
  request.work.effect('payment_method.created', {
    payment_method: method.id,
    brand: method.card.brand,
    last4: method.card.last4,
  });
}
