import type { ApiRequest } from '../http/api-request.ts';
import { expanded } from '../http/expand.ts';
import { resourceMissing } from '../http/stripe-error.ts';
import type { CaptureMethod, CardOptions, FutureUsage } from '../payment-intents/payment-intent.ts';
import type { Address } from '../payment-methods/payment-method.ts';
import type { Mode } from '../store/store.ts';
import { expireIfOverdue } from './expire-session.ts';
import type { LineItem } from './line-item.ts';

export type CustomerDetails = {
  address: Address | null;
  business_name: null;
  email: string | null;
  individual_name: null;
  name: string | null;
  phone: null;
  tax_exempt: 'none';
  tax_ids: [];
};

/** The object as the API shows it. `payment_status` follows the payment and is filled in when it is shown. */
export type CheckoutSession = {
  id: string;
  object: 'checkout.session';
  adaptive_pricing: { enabled: boolean };
  after_expiration: null;
  allow_promotion_codes: null;
  allowed_payment_method_types: string[] | null;
  amount_subtotal: number;
  amount_total: number;
  automatic_tax: { enabled: boolean; liability: null; provider: null; status: null };
  billing_address_collection: null;
  branding_settings: Branding;
  cancel_url: string | null;
  client_reference_id: string | null;
  client_secret: null;
  collected_information: { business_name: null; individual_name: null; shipping_details: null } | null;
  consent: null;
  consent_collection: null;
  created: number;
  currency: string;
  currency_conversion: null;
  custom_fields: [];
  custom_text: {
    after_submit: null;
    shipping_address: null;
    submit: null;
    terms_of_service_acceptance: null;
  };
  customer: null;
  customer_account: null;
  customer_creation: 'if_required';
  customer_details: CustomerDetails | null;
  customer_email: string | null;
  discounts: [];
  expires_at: number;
  integration_identifier: null;
  invoice: null;
  invoice_creation: InvoiceCreation;
  livemode: boolean;
  locale: string | null;
  managed_payments: null;
  metadata: Record<string, string>;
  mode: 'payment';
  origin_context: null;
  payment_intent: string | null;
  payment_link: null;
  payment_method_collection: 'if_required';
  payment_method_configuration_details: null;
  payment_method_options: { card: SessionCardOptions };
  payment_method_types: string[];
  payment_status: 'paid' | 'unpaid';
  permissions: null;
  phone_number_collection: { enabled: boolean };
  recovered_from: null;
  saved_payment_method_options: null;
  setup_intent: null;
  shipping_address_collection: null;
  shipping_cost: null;
  shipping_options: [];
  status: 'complete' | 'expired' | 'open';
  submit_type: string | null;
  subscription: null;
  success_url: string;
  total_details: { amount_discount: number; amount_shipping: number; amount_tax: number };
  ui_mode: 'hosted_page';
  url: string | null;
  wallet_options: null;
};

type Branding = {
  background_color: string;
  border_style: 'rounded';
  button_color: string;
  display_name: string;
  font_family: string;
  icon: null;
  logo: null;
};

type InvoiceCreation = {
  enabled: boolean;
  invoice_data: {
    account_tax_ids: null;
    custom_fields: null;
    description: null;
    footer: null;
    issuer: null;
    metadata: Record<string, never>;
    rendering_options: null;
  };
};

export type SessionCardOptions = Partial<
  Omit<CardOptions, 'installments' | 'mandate_options' | 'network' | 'request_three_d_secure'>
> & { request_three_d_secure: string };

/** What the PaymentIntent is made of once the guest pays. */
export type IntentData = {
  captureMethod: CaptureMethod;
  description: string | null;
  metadata: Record<string, string>;
  receiptEmail: string | null;
  setupFutureUsage: FutureUsage | null;
  statementDescriptorSuffix: string | null;
  transferGroup: string | null;
};

export type SessionRecord = {
  session: CheckoutSession;
  lineItems: LineItem[];
  intentData: IntentData;
  /** The session is complete and its payment is still being decided. */
  awaitsPayment: boolean;
};

/** The account's session named in the path, expired first if its time is over. Throws resource_missing (404). */
export function findSession(request: ApiRequest): SessionRecord {
  const id = request.id('checkout.session');
  expireIfOverdue(request.work, id);
  const record = request.read(request.mode.checkoutSessions, id);
  if (!record) throw resourceMissing('checkout.session', id, 'session', 404);
  return record;
}

/** The session with the status of its payment: `paid` once the PaymentIntent has succeeded, also by a later capture. */
export function sessionJson(mode: Mode, { session }: SessionRecord): CheckoutSession {
  const intent = session.payment_intent ? mode.paymentIntents.get(session.payment_intent)?.intent : undefined;
  return { ...session, payment_status: intent?.status === 'succeeded' ? 'paid' : 'unpaid' };
}

/** As many lines as an expanded session shows. */
const LINES_SHOWN = 10;

/** The session as an answer shows it, with what was to be expanded; its lines only then. */
export function shownSession(
  request: ApiRequest,
  record: SessionRecord,
  expand: string[] | undefined,
  prefix = '',
): object {
  const session = sessionJson(request.mode, record);
  const line_items = {
    object: 'list' as const,
    data: record.lineItems.slice(0, LINES_SHOWN),
    has_more: record.lineItems.length > LINES_SHOWN,
    url: `/v1/checkout/sessions/${session.id}/line_items`,
  };
  const json = expand?.includes(`${prefix}line_items`) ? { ...session, line_items } : session;
  return expanded(request, 'checkout.session', json, expand, prefix);
}
