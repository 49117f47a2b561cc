import { invalidParameter, resourceMissing, StripeError, type ErrorFields } from '../http/stripe-error.ts';
import type { ApiRequest } from '../http/api-request.ts';
import { newId } from '../ids.ts';
import type { PaymentMethod } from '../payment-methods/payment-method.ts';

export type CaptureMethod = 'automatic' | 'automatic_async' | 'manual';
export type FutureUsage = 'off_session' | 'on_session';

export type Status =
  | 'canceled'
  | 'processing'
  | 'requires_action'
  | 'requires_capture'
  | 'requires_confirmation'
  | 'requires_payment_method'
  | 'succeeded';

export type PaymentError = {
  type: ErrorFields['type'];
  message: string;
  code: string;
  doc_url: string;
  decline_code?: string;
  charge?: string;
  advice_code?: string;
  network_decline_code?: string;
  payment_method?: PaymentMethod;
};

export type CardOptions = {
  installments: null;
  mandate_options: null;
  network: null;
  request_extended_authorization?: string;
  request_incremental_authorization?: string;
  request_multicapture?: string;
  request_overcapture?: string;
  request_three_d_secure: string;
};

export type NextAction =
  | { type: 'redirect_to_url'; redirect_to_url: { return_url: string; url: string } }
  | {
      type: 'use_stripe_sdk';
      use_stripe_sdk: { source: string; stripe_js: string; type: 'three_d_secure_redirect' };
    };

/** The object as the API shows it. */
export type PaymentIntent = {
  id: string;
  object: 'payment_intent';
  allowed_payment_method_types: string[] | null;
  amount: number;
  amount_capturable: number;
  amount_details: { tip: Record<string, never> };
  amount_received: number;
  application: null;
  application_fee_amount: null;
  automatic_payment_methods: { allow_redirects: string; enabled: boolean } | null;
  canceled_at: number | null;
  cancellation_reason: string | null;
  capture_method: CaptureMethod;
  client_secret: string;
  confirmation_method: 'automatic';
  created: number;
  currency: string;
  customer: null;
  customer_account: null;
  description: string | null;
  excluded_payment_method_types: null;
  last_payment_error: PaymentError | null;
  latest_charge: string | null;
  livemode: boolean;
  managed_payments: null;
  metadata: Record<string, string>;
  next_action: NextAction | null;
  on_behalf_of: null;
  payment_method: string | null;
  payment_method_configuration_details: null;
  payment_method_options: { card: CardOptions };
  payment_method_types: string[];
  payment_record: null;
  processing: { type: 'card'; card: Record<string, never> } | null;
  receipt_email: string | null;
  review: null;
  setup_future_usage: FutureUsage | null;
  shipping: null;
  source: null;
  statement_descriptor: null;
  statement_descriptor_suffix: string | null;
  status: Status;
  transfer_data: null;
  transfer_group: string | null;
};

/** An open or finished 3-D Secure challenge of one confirmation. */
export type Challenge = {
  /** Unguessable part of the page's address. */
  token: string;
  returnUrl: string | null;
  outcome: 'failed' | 'open' | 'succeeded';
};

/** How the merchant came by the card, as far as it said. It decides on authentication and on how long a hold lasts. */
export type Initiation = {
  moto: boolean;
  /** The merchant claims the exemption of payments that follow an earlier, authenticated one. */
  mitExemption: boolean;
  /** The cardholder was away when it was confirmed. */
  offSession: boolean;
};

export type PaymentIntentRecord = {
  intent: PaymentIntent;
  challenge: Challenge | null;
  /** The key of the request that confirmed it last; a later 3-D Secure charge belongs to that request. */
  idempotencyKey: string | null;
  /** When a payment in `processing` settles, in milliseconds on the simulator's clock. */
  settlesAtMs: number | null;
  /** Absent = an ordinary payment of a cardholder who is there. */
  initiation?: Initiation;
  /** How often it was captured; absent = never. */
  captures?: number;
  /** How often its authorisation was to be incremented, declines included; absent = never. */
  increments?: number;
};

export type NewIntent = {
  allowedTypes: string[] | null;
  amount: number;
  currency: string;
  automatic: PaymentIntent['automatic_payment_methods'];
  captureMethod: CaptureMethod;
  cardOptions: Partial<CardOptions>;
  description: string | null;
  metadata: Record<string, string>;
  receiptEmail: string | null;
  setupFutureUsage: FutureUsage | null;
  statementDescriptorSuffix: string | null;
  transferGroup: string | null;
  livemode: boolean;
  /** Unix seconds. */
  now: number;
};

export function newPaymentIntent(facts: NewIntent): PaymentIntent {
  const id = newId('pi');
  return {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: facts.allowedTypes,
    amount: facts.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: facts.automatic,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: facts.captureMethod,
    client_secret: newId(`${id}_secret`, 25),
    confirmation_method: 'automatic',
    created: facts.now,
    currency: facts.currency,
    customer: null,
    customer_account: null,
    description: facts.description,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: facts.livemode,
    managed_payments: null,
    metadata: facts.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: {
        installments: null,
        mandate_options: null,
        network: null,
        request_three_d_secure: 'automatic',
        ...facts.cardOptions,
      },
    },
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: facts.receiptEmail,
    review: null,
    setup_future_usage: facts.setupFutureUsage,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: facts.statementDescriptorSuffix,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: facts.transferGroup,
  };
}

/** The account's PaymentIntent named in the path. Throws resource_missing (404). */
export function findPaymentIntent(request: ApiRequest): PaymentIntentRecord {
  const id = request.id('payment_intent');
  const record = request.read(request.mode.paymentIntents, id);
  if (!record) throw resourceMissing('payment_intent', id, 'intent', 404);
  return record;
}

/** Saves a changed intent; the record it came from keeps its own version. */
export function savePaymentIntent(
  request: Pick<ApiRequest, 'work'>,
  record: PaymentIntentRecord,
  changes: Partial<PaymentIntent>,
  more: Partial<Omit<PaymentIntentRecord, 'intent'>> = {},
): PaymentIntentRecord {
  const saved = { ...record, ...more, intent: { ...record.intent, ...changes } };
  request.work.save({ type: 'payment_intent', value: saved });
  return saved;
}

/** The refusal of an operation the status does not allow. */
export function unexpectedState(message: string, intent: PaymentIntent): StripeError {
  return intentRefusal(intent, { code: 'payment_intent_unexpected_state', message });
}

/** A refusal (400) that depends on the payment. Stripe sends the object along. */
export function intentRefusal(
  intent: PaymentIntent,
  fields: Omit<ErrorFields, 'payment_intent' | 'type'>,
): StripeError {
  return new StripeError(
    400,
    { type: 'invalid_request_error', ...fields, payment_intent: intent },
    { executed: true },
  );
}

/** Cards take a suffix only. */
export function refuseStatementDescriptor(descriptor: string | null | undefined): void {
  if (descriptor === undefined) return;
  throw invalidParameter(
    'The statement_descriptor parameter is not supported for card charges. Please use statement_descriptor_suffix instead.',
    'statement_descriptor',
  );
}

/** Checks a suffix for the cardholder's statement: up to 22 characters, one letter at least, none of < > \ ' " *. */
export function checkStatementSuffix(suffix: string | null | undefined): string | null {
  if (!suffix) return null;
  const isValid = suffix.length <= 22 && /[a-z]/i.test(suffix) && !/[<>\\'"*]/.test(suffix);
  if (isValid) return suffix;
  throw invalidParameter(
    'The statement descriptor suffix must be at most 22 characters, contain at least one letter, and none of < > \\ \' " *.',
    'statement_descriptor_suffix',
  );
}
