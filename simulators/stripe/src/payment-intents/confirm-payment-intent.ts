import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { parseParams } from '../http/params.ts';
import { invalidParameter } from '../http/stripe-error.ts';
import { savePaymentMethod, type PaymentMethodRecord } from '../payment-methods/payment-method.ts';
import { checkReusable, choosePaymentMethod } from './choose-payment-method.ts';
import {
  allowedTypes,
  confirmSchema,
  futureUsage,
  givenCardOptions,
  givenInitiation,
  refuseBoth,
  typesChange,
  type ConfirmParams,
} from './intent-params.ts';
import {
  findPaymentIntent,
  unexpectedState,
  type PaymentIntent,
  type PaymentIntentRecord,
} from './payment-intent.ts';
import { runConfirmation, type Confirmation } from './run-confirmation.ts';

type Steering = Omit<
  ConfirmParams,
  | 'allowed_payment_method_types'
  | 'expand'
  | 'payment_method'
  | 'payment_method_data'
  | 'payment_method_types'
  | 'receipt_email'
> & {
  receipt_email?: string | null | undefined;
};

/** `POST /v1/payment_intents/:id/confirm`. */
export function confirmPaymentIntent(request: ApiRequest): Answer {
  const params = parseParams(confirmSchema, request.params);
  checkExpand('payment_intent', params.expand);
  refuseBoth(params, 'payment_method', 'payment_method_data');
  const types = allowedTypes(request, params);
  const record = findPaymentIntent(request);
  checkConfirmable(record.intent);
  const confirmation = prepareConfirmation(
    { ...record, intent: { ...record.intent, ...typesChange(types) } },
    params,
    methodFor(request, record, params),
  );
  savePaymentMethod(request, confirmation.method);
  const changes = { ...confirmation.changes, ...typesChange(types) };
  return runConfirmation(request, record, { ...confirmation, changes }, params.expand);
}

/** Checks all that can refuse a confirmation. Throws before anything has changed. */
export function prepareConfirmation(
  { intent, initiation }: Pick<PaymentIntentRecord, 'initiation' | 'intent'>,
  params: Steering,
  method: PaymentMethodRecord | undefined,
): Confirmation {
  if (!method) {
    const message =
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment " +
      'method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.';
    throw unexpectedState(message, intent);
  }
  checkReusable(method);
  if (
    intent.automatic_payment_methods?.allow_redirects === 'always' &&
    params.return_url === undefined &&
    !params.use_stripe_sdk
  ) {
    const message =
      'This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might ' +
      "redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, " +
      'set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup ' +
      'Intents and Payment Intents.';
    throw invalidParameter(message);
  }
  return {
    method,
    changes: {
      capture_method: params.capture_method ?? intent.capture_method,
      payment_method_options: {
        card: { ...intent.payment_method_options.card, ...givenCardOptions(params) },
      },
      receipt_email: params.receipt_email === undefined ? intent.receipt_email : params.receipt_email,
      setup_future_usage: futureUsage(params.setup_future_usage, intent.setup_future_usage),
    },
    returnUrl: params.return_url ?? null,
    // An attempt without the cardholder says nothing about the next one.
    initiation: givenInitiation({ ...params, off_session: params.off_session ?? false }, initiation),
    errorOnRequiresAction: params.error_on_requires_action ?? false,
  };
}

function methodFor(
  request: ApiRequest,
  { intent }: PaymentIntentRecord,
  params: ConfirmParams,
): PaymentMethodRecord | undefined {
  const given = choosePaymentMethod(request, params);
  if (given || intent.payment_method === null) return given;
  return request.mode.paymentMethods.get(intent.payment_method);
}

function checkConfirmable(intent: PaymentIntent): void {
  const { status } = intent;
  if (
    status === 'requires_payment_method' ||
    status === 'requires_confirmation' ||
    status === 'requires_action'
  )
    return;
  if (status === 'succeeded' || status === 'requires_capture') {
    throw unexpectedState(
      'You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.',
      intent,
    );
  }
  const message =
    `You cannot confirm this PaymentIntent because it has a status of ${status}. Only a PaymentIntent with one of the following statuses ` +
    'may be confirmed: requires_confirmation, requires_action.';
  throw unexpectedState(message, intent);
}
