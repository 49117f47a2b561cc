import { digits, newId } from '../ids.ts';
import type { PaymentMethod } from '../payment-methods/payment-method.ts';
import type { CardBehaviour, Decline } from '../payment-methods/test-cards.ts';
import { authorizationLifetimeS, isOffered, overcaptureMaximum, type CardFeature } from './card-features.ts';
import type { Availability, CardDetails, Charge, Outcome, ThreeDSecureResult } from './charge.ts';

export type ChargeFacts = {
  amount: number;
  currency: string;
  description: string | null;
  livemode: boolean;
  metadata: Record<string, string>;
  paymentIntent: string;
  receiptEmail: string | null;
  statementDescriptorSuffix: string | null;
  transferGroup: string | null;
  method: PaymentMethod;
  cvcGiven: boolean;
  behaviour: CardBehaviour;
  decline: Decline | undefined;
  manual: boolean;
  threeDSecure: ThreeDSecureResult | null;
  /** Features the PaymentIntent asked for with `if_available` and the account has. */
  features: ReadonlySet<CardFeature>;
  /** The cardholder was away. */
  merchantInitiated: boolean;
  /** Ordered by mail or telephone. */
  moto: boolean;
  /** Unix seconds. */
  now: number;
};

/** A charge in the state its card leads to: paid, authorised (manual capture), or failed. */
export function newCharge(facts: ChargeFacts): Charge {
  const { decline, manual, method } = facts;
  const paid = decline === undefined;
  const captured = paid && !manual;
  const id = newId('ch');
  return {
    id,
    object: 'charge',
    amount: facts.amount,
    amount_captured: captured ? facts.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: captured ? newId('txn') : null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: paid ? 'SIMULATED HOTEL' : null,
    captured,
    created: facts.now,
    currency: facts.currency,
    customer: null,
    description: facts.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: facts.livemode,
    metadata: facts.metadata,
    on_behalf_of: null,
    outcome: outcomeOf(facts),
    paid,
    payment_intent: facts.paymentIntent,
    payment_method: method.id,
    payment_method_details: { type: 'card', card: cardDetails(facts, paid) },
    radar_options: {},
    receipt_email: facts.receiptEmail,
    receipt_number: null,
    receipt_url: paid ? `https://pay.stripe.com/receipts/payment/${id}` : null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: facts.statementDescriptorSuffix,
    status: paid ? 'succeeded' : 'failed',
    transfer_data: null,
    transfer_group: facts.transferGroup,
  };
}

function outcomeOf({ behaviour, decline }: ChargeFacts): Outcome {
  const risk = {
    risk_level: behaviour.riskLevel ?? 'normal',
    risk_score: RISK_SCORES[behaviour.riskLevel ?? 'normal'],
  };
  const none = { advice_code: null, network_advice_code: null, network_decline_code: null, reason: null };
  if (!decline)
    return {
      ...none,
      ...risk,
      network_status: 'approved_by_network',
      seller_message: 'Payment complete.',
      type: 'authorized',
    };
  if (decline.outcome === 'blocked') {
    const seller_message = 'Stripe blocked this payment as too risky.';
    return {
      ...none,
      ...risk,
      network_status: 'not_sent_to_network',
      reason: 'highest_risk_level',
      seller_message,
      type: 'blocked',
    };
  }
  return {
    ...risk,
    advice_code: decline.adviceCode ?? null,
    network_advice_code: null,
    network_decline_code: decline.networkDeclineCode ?? null,
    network_status: 'declined_by_network',
    reason: decline.declineCode ?? decline.code,
    seller_message: `The bank returned the decline code \`${decline.declineCode ?? decline.code}\`.`,
    type: 'issuer_declined',
  };
}

const RISK_SCORES = { normal: 12, elevated: 68, highest: 92 };

function cardDetails(facts: ChargeFacts, paid: boolean): CardDetails {
  const { card } = facts.method;
  const has = (feature: CardFeature) => hasFeature(facts, feature);
  const available = (feature: CardFeature): Availability => ({
    status: has(feature) ? 'available' : 'unavailable',
  });
  const extended = has('extended_authorization');
  return {
    amount_authorized: paid ? facts.amount : null,
    authorization_code: paid ? digits(6) : null,
    brand: card.brand,
    ...(paid && facts.manual
      ? {
          capture_before:
            facts.now +
            authorizationLifetimeS(card.brand, { extended, merchantInitiated: facts.merchantInitiated }),
        }
      : {}),
    checks: { ...card.checks, cvc_check: cvcCheck(facts) },
    country: card.country,
    electronic_commerce_indicator: facts.threeDSecure?.electronic_commerce_indicator ?? null,
    exp_month: card.exp_month,
    exp_year: card.exp_year,
    extended_authorization: { status: extended ? 'enabled' : 'disabled' },
    fingerprint: card.fingerprint,
    funding: card.funding,
    incremental_authorization: available('incremental_authorization'),
    installments: null,
    last4: card.last4,
    mandate: null,
    moto: facts.moto ? true : null,
    multicapture: available('multicapture'),
    network: card.brand,
    network_token: { used: false },
    network_transaction_id: paid ? digits(15) : null,
    overcapture: {
      maximum_amount_capturable: has('overcapture') ? overcaptureMaximum(facts.amount) : facts.amount,
      ...available('overcapture'),
    },
    regulated_status: card.regulated_status,
    three_d_secure: facts.threeDSecure,
    transaction_link_id: null,
    wallet: null,
  };
}

/** A feature needs a hold, the network, and a card that takes it. */
function hasFeature(facts: ChargeFacts, feature: CardFeature): boolean {
  if (!facts.manual || facts.decline !== undefined || !facts.features.has(feature)) return false;
  if (!isOffered(feature, facts.method.card.brand)) return false;
  // The card without flexible features still offers increments, and declines each of them.
  return !facts.behaviour.declinesFlexibility || feature === 'incremental_authorization';
}

function cvcCheck({ cvcGiven, decline }: ChargeFacts): string | null {
  if (decline?.code === 'incorrect_cvc') return 'fail';
  return cvcGiven ? 'pass' : null;
}
