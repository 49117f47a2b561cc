import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { applyMetadata, parseParams } from '../http/params.ts';
import { invalidParameter } from '../http/stripe-error.ts';
import { newSessionId } from '../ids.ts';
import { allowedTypes } from '../payment-intents/intent-params.ts';
import { checkStatementSuffix } from '../payment-intents/payment-intent.ts';
import {
  shownSession,
  type CheckoutSession,
  type IntentData,
  type SessionCardOptions,
  type SessionRecord,
} from './checkout-session.ts';
import type { LineItem } from './line-item.ts';
import { checkTotal, lineItemsFrom } from './session-lines.ts';
import { sessionSchema, type SessionParams } from './session-params.ts';

/** Stripe's window for `expires_at` after the creation, and its default, in seconds. */
const LIFETIME_MIN_S = 30 * 60;
const LIFETIME_MAX_S = 24 * 60 * 60;

/** The first API version whose `ui_mode` says `hosted_page`; before it was `hosted`. */
const VERSION_OF_HOSTED_PAGE = '2026-03-25';

/** `POST /v1/checkout/sessions` for a one-time card payment on the hosted page. The payment itself is made when the guest pays. */
export function createCheckoutSession(request: ApiRequest): Answer {
  const params = parseParams(sessionSchema, request.params);
  checkExpand('checkout.session', params.expand);
  const types = allowedTypes(request, params) ?? null;
  checkUiMode(request, params.ui_mode);
  const now = Math.floor(request.nowMs / 1000);
  const expiresAt = checkExpiry(params.expires_at, now);
  const lineItems = lineItemsFrom(request, params.line_items, now);
  const total = checkTotal(lineItems);
  const record: SessionRecord = {
    session: { ...sessionFrom(request, params, lineItems, total), created: now, expires_at: expiresAt },
    lineItems,
    intentData: intentDataFrom(params),
    awaitsPayment: false,
  };
  record.session.allowed_payment_method_types = types;
  request.work.save({ type: 'checkout_session', value: record });
  request.work.effect('checkout.session.created', {
    checkout_session: record.session.id,
    amount: total,
    currency: record.session.currency,
    client_reference_id: record.session.client_reference_id,
    metadata: record.session.metadata,
  });
  return { status: 200, body: shownSession(request, record, params.expand) };
}

function checkUiMode({ apiVersion }: ApiRequest, uiMode: string | null | undefined): void {
  if (!uiMode || uiMode === 'hosted_page') return;
  const isOld = apiVersion === null || apiVersion < VERSION_OF_HOSTED_PAGE;
  if (uiMode === 'hosted' && isOld) return;
  throw invalidParameter('Invalid ui_mode: must be one of hosted_page', 'ui_mode');
}

function checkExpiry(expiresAt: number | undefined, now: number): number {
  if (expiresAt === undefined) return now + LIFETIME_MAX_S;
  if (expiresAt < now + LIFETIME_MIN_S) throw expiryRefused('at least 30 minutes');
  if (expiresAt > now + LIFETIME_MAX_S) throw expiryRefused('less than 24 hours');
  return expiresAt;
}

function expiryRefused(words: string) {
  const message = `The \`expires_at\` timestamp must be ${words} from Checkout Session creation.`;
  return invalidParameter(message, 'expires_at');
}

function intentDataFrom({ payment_intent_data: data }: SessionParams): IntentData {
  return {
    captureMethod: data?.capture_method ?? 'automatic_async',
    description: data?.description ?? null,
    metadata: applyMetadata({}, data?.metadata),
    receiptEmail: data?.receipt_email ?? null,
    setupFutureUsage: data?.setup_future_usage ?? null,
    statementDescriptorSuffix: checkStatementSuffix(data?.statement_descriptor_suffix),
    transferGroup: data?.transfer_group ?? null,
  };
}

function cardOptionsFrom({ payment_method_options: options }: SessionParams): SessionCardOptions {
  const given = Object.entries(options?.card ?? {}).filter(([, value]) => value !== undefined);
  return { request_three_d_secure: 'automatic', ...Object.fromEntries(given) };
}

/** A new open session; `created` and `expires_at` are set by the caller. */
function sessionFrom(
  request: ApiRequest,
  params: SessionParams,
  lineItems: LineItem[],
  total: number,
): CheckoutSession {
  const id = newSessionId(request.livemode);
  return {
    ...NOTHING_ELSE,
    id,
    allowed_payment_method_types: null,
    amount_subtotal: total,
    amount_total: total,
    branding_settings: {
      background_color: '#ffffff',
      border_style: 'rounded',
      button_color: '#0b4f6c',
      display_name: request.account.name,
      font_family: 'default',
      icon: null,
      logo: null,
    },
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    created: 0,
    currency: lineItems[0]?.currency ?? '',
    customer_email: params.customer_email ?? null,
    expires_at: 0,
    livemode: request.livemode,
    locale: params.locale ?? null,
    metadata: applyMetadata({}, params.metadata),
    payment_method_options: { card: cardOptionsFrom(params) },
    submit_type: params.submit_type ?? null,
    success_url: params.success_url,
    phone_number_collection: { enabled: false },
    url: `${request.context.publicUrl()}/c/pay/${id}`,
  };
}

/** What a hosted card payment without customers, taxes, shipping or discounts leaves at Stripe's defaults. */
const NOTHING_ELSE = {
  object: 'checkout.session' as const,
  adaptive_pricing: { enabled: false },
  after_expiration: null,
  allow_promotion_codes: null,
  automatic_tax: { enabled: false, liability: null, provider: null, status: null },
  billing_address_collection: null,
  client_secret: null,
  collected_information: null,
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  custom_fields: [] as [],
  custom_text: {
    after_submit: null,
    shipping_address: null,
    submit: null,
    terms_of_service_acceptance: null,
  },
  customer: null,
  customer_account: null,
  customer_creation: 'if_required' as const,
  customer_details: null,
  discounts: [] as [],
  integration_identifier: null,
  invoice: null,
  invoice_creation: {
    enabled: false,
    invoice_data: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: null,
      metadata: {},
      rendering_options: null,
    },
  },
  managed_payments: null,
  mode: 'payment' as const,
  origin_context: null,
  payment_intent: null,
  payment_link: null,
  payment_method_collection: 'if_required' as const,
  payment_method_configuration_details: null,
  payment_method_types: ['card'],
  payment_status: 'unpaid' as const,
  permissions: null,
  recovered_from: null,
  saved_payment_method_options: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [] as [],
  status: 'open' as const,
  subscription: null,
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  ui_mode: 'hosted_page' as const,
  wallet_options: null,
};
