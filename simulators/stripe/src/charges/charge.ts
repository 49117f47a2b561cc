import type { BillingDetails, PaymentMethod } from '../payment-methods/payment-method.ts';

export type ThreeDSecureResult = {
  authentication_flow: string | null;
  electronic_commerce_indicator: string | null;
  exemption_indicator: null;
  result: string;
  result_reason: string | null;
  transaction_id: string | null;
  version: string | null;
};

export type Availability = { status: 'available' | 'unavailable' };

/** The object as the API shows it; kept whole because events show earlier versions. */
export type Charge = {
  id: string;
  object: 'charge';
  amount: number;
  amount_captured: number;
  amount_refunded: number;
  application: null;
  application_fee: null;
  application_fee_amount: null;
  balance_transaction: string | null;
  billing_details: BillingDetails;
  calculated_statement_descriptor: string | null;
  captured: boolean;
  created: number;
  currency: string;
  customer: null;
  description: string | null;
  disputed: boolean;
  failure_balance_transaction: null;
  failure_code: string | null;
  failure_message: string | null;
  fraud_details: Record<string, never>;
  livemode: boolean;
  metadata: Record<string, string>;
  on_behalf_of: null;
  outcome: Outcome;
  paid: boolean;
  payment_intent: string;
  payment_method: string;
  payment_method_details: { type: 'card'; card: CardDetails };
  radar_options: Record<string, never>;
  receipt_email: string | null;
  receipt_number: null;
  receipt_url: string | null;
  refunded: boolean;
  review: null;
  shipping: null;
  source: null;
  source_transfer: null;
  statement_descriptor: null;
  statement_descriptor_suffix: string | null;
  status: 'failed' | 'succeeded';
  transfer_data: null;
  transfer_group: string | null;
};

export type Outcome = {
  advice_code: string | null;
  network_advice_code: string | null;
  network_decline_code: string | null;
  network_status: string;
  reason: string | null;
  risk_level: string;
  risk_score: number;
  seller_message: string;
  type: string;
};

export type CardDetails = {
  amount_authorized: number | null;
  authorization_code: string | null;
  brand: string;
  /** Unix seconds; only on a charge that began as a hold. */
  capture_before?: number;
  checks: PaymentMethod['card']['checks'];
  country: string;
  electronic_commerce_indicator: string | null;
  exp_month: number;
  exp_year: number;
  extended_authorization: { status: 'disabled' | 'enabled' };
  fingerprint: string;
  funding: string;
  incremental_authorization: Availability;
  installments: null;
  last4: string;
  mandate: null;
  moto: true | null;
  multicapture: Availability;
  network: string;
  network_token: { used: boolean };
  network_transaction_id: string | null;
  overcapture: { maximum_amount_capturable: number } & Availability;
  regulated_status: string;
  three_d_secure: ThreeDSecureResult | null;
  transaction_link_id: null;
  wallet: null;
};
