import type { ApiRequest } from '../http/api-request.ts';
import { newId } from '../ids.ts';
import type { Brand } from './card-number.ts';
import type { Address, PaymentMethod, PaymentMethodRecord } from './payment-method.ts';

export type CardFacts = {
  number: string;
  brand: Brand;
  funding: string;
  behaviour: string;
  exp_month: number;
  exp_year: number;
  cvcGiven: boolean;
  billing: GivenBilling;
  metadata: Record<string, string>;
  allow_redisplay: string;
};

/** The record of a card that passed every check; the number only leaves its last digits and a keyed hash. */
export function buildPaymentMethod(request: ApiRequest, facts: CardFacts): PaymentMethodRecord {
  const { billing, brand } = facts;
  const method: PaymentMethod = {
    id: newId('pm'),
    object: 'payment_method',
    allow_redisplay: facts.allow_redisplay,
    billing_details: {
      address: addressFrom(billing.address ?? {}),
      email: billing.email ?? null,
      name: billing.name ?? null,
      phone: billing.phone ?? null,
      tax_id: billing.tax_id ?? null,
    },
    card: {
      brand,
      checks: {
        address_line1_check: null,
        address_postal_code_check: null,
        cvc_check: facts.cvcGiven ? 'unchecked' : null,
      },
      country: 'US',
      display_brand: brand === 'amex' ? 'american_express' : brand,
      exp_month: facts.exp_month,
      exp_year: facts.exp_year,
      fingerprint: request.context.instanceKey.digest('card', facts.number).slice(0, 16),
      funding: facts.funding,
      generated_from: null,
      last4: facts.number.slice(-4),
      networks: { available: [brand], preferred: null },
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: brand !== 'unknown' },
      wallet: null,
    },
    created: Math.floor(request.nowMs / 1000),
    customer: null,
    customer_account: null,
    livemode: request.livemode,
    metadata: facts.metadata,
    type: 'card',
  };
  return { method, behaviour: facts.behaviour, cvcGiven: facts.cvcGiven, usedBy: null, setUp: false };
}

function addressFrom(given: GivenAddress): Address {
  return {
    city: given.city ?? null,
    country: given.country ?? null,
    line1: given.line1 ?? null,
    line2: given.line2 ?? null,
    postal_code: given.postal_code ?? null,
    state: given.state ?? null,
  };
}

type GivenAddress = { [field in keyof Address]?: string | null | undefined };

/** Billing details as a request gives them: each may be missing. */
export type GivenBilling = {
  address?: GivenAddress | undefined;
  email?: string | null | undefined;
  name?: string | null | undefined;
  phone?: string | null | undefined;
  tax_id?: string | null | undefined;
};
