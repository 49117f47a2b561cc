import { checkAmount, checkCurrency } from '../amounts/check-amount.ts';
import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { applyMetadata, parseParams } from '../http/params.ts';
import { invalidParameter } from '../http/stripe-error.ts';
import { checkReusable, choosePaymentMethod } from './choose-payment-method.ts';
import { prepareConfirmation } from './confirm-payment-intent.ts';
import { runConfirmation } from './run-confirmation.ts';
import {
  allowedTypes,
  createSchema,
  futureUsage,
  givenCardOptions,
  givenInitiation,
  refuseBoth,
  type CreateParams,
} from './intent-params.ts';
import {
  checkStatementSuffix,
  newPaymentIntent,
  savePaymentIntent,
  type PaymentIntent,
  type PaymentIntentRecord,
} from './payment-intent.ts';
import { savePaymentMethod } from '../payment-methods/payment-method.ts';

/** `POST /v1/payment_intents`, with `confirm=true` also the payment itself. */
export function createPaymentIntent(request: ApiRequest): Answer {
  const params = parseParams(createSchema, request.params);
  checkExpand('payment_intent', params.expand);
  checkCombination(params);
  const types = allowedTypes(request, params) ?? null;
  const currency = checkCurrency(params.currency);
  checkAmount(params.amount, currency);
  const intent = intentFrom(request, params, currency, types);
  const method = choosePaymentMethod(request, params);
  if (method) checkReusable(method);
  const record: PaymentIntentRecord = {
    intent,
    challenge: null,
    idempotencyKey: request.work.origin.idempotencyKey,
    settlesAtMs: null,
    initiation: givenInitiation(params, undefined),
  };
  const confirmation = params.confirm ? prepareConfirmation(record, params, method) : undefined;
  if (method) savePaymentMethod(request, method);
  const status = method && !params.confirm ? 'requires_confirmation' : 'requires_payment_method';
  const created = savePaymentIntent(request, record, { status, payment_method: method?.method.id ?? null });
  request.work.effect('payment_intent.created', {
    payment_intent: intent.id,
    amount: intent.amount,
    currency,
    capture_method: intent.capture_method,
    metadata: intent.metadata,
  });
  request.work.event('payment_intent.created', { kind: 'payment_intent', id: intent.id });
  if (confirmation) return runConfirmation(request, created, confirmation, params.expand);
  return { status: 200, body: expanded(request, 'payment_intent', created.intent, params.expand) };
}

function checkCombination(params: CreateParams): void {
  refuseBoth(params, 'automatic_payment_methods', 'payment_method_types');
  refuseBoth(params, 'automatic_payment_methods', 'allowed_payment_method_types');
  refuseBoth(params, 'payment_method', 'payment_method_data');
  if (params.confirm) return;
  for (const name of ['return_url', 'off_session', 'error_on_requires_action'] as const) {
    if (params[name] === undefined || params[name] === false) continue;
    throw invalidParameter(
      `The parameter \`${name}\` cannot be passed when creating a PaymentIntent unless \`confirm\` is set to true.`,
      name,
    );
  }
}

function intentFrom(
  request: ApiRequest,
  params: CreateParams,
  currency: string,
  types: string[] | null,
): PaymentIntent {
  return newPaymentIntent({
    amount: params.amount,
    currency,
    allowedTypes: types,
    automatic: automaticMethods(params, types),
    captureMethod: params.capture_method ?? 'automatic_async',
    cardOptions: givenCardOptions(params),
    description: params.description ?? null,
    metadata: applyMetadata({}, params.metadata),
    receiptEmail: params.receipt_email ?? null,
    setupFutureUsage: futureUsage(params.setup_future_usage, null),
    statementDescriptorSuffix: checkStatementSuffix(params.statement_descriptor_suffix),
    transferGroup: params.transfer_group ?? null,
    livemode: request.livemode,
    now: Math.floor(request.nowMs / 1000),
  });
}

/** Without a list of types Stripe offers whatever the dashboard has switched on. */
function automaticMethods(
  { automatic_payment_methods: given }: CreateParams,
  types: string[] | null,
): PaymentIntent['automatic_payment_methods'] {
  if (types || given?.enabled === false) return null;
  return { allow_redirects: given?.allow_redirects ?? 'always', enabled: true };
}
