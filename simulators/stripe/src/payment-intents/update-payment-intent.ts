import { checkAmount, checkCurrency } from '../amounts/check-amount.ts';
import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { applyMetadata, parseParams } from '../http/params.ts';
import { savePaymentMethod, type PaymentMethodRecord } from '../payment-methods/payment-method.ts';
import { checkReusable, choosePaymentMethod } from './choose-payment-method.ts';
import {
  allowedTypes,
  futureUsage,
  givenCardOptions,
  givenInitiation,
  refuseBoth,
  typesChange,
  updateSchema,
  type UpdateParams,
} from './intent-params.ts';
import {
  checkStatementSuffix,
  findPaymentIntent,
  savePaymentIntent,
  unexpectedState,
  type PaymentIntent,
} from './payment-intent.ts';

/** What may change at any time; everything else only before the payment. */
const ALWAYS = ['description', 'expand', 'metadata', 'receipt_email', 'transfer_group'];
const OPEN = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

/** `POST /v1/payment_intents/:id`. A new payment method or amount has to be confirmed again. */
export function updatePaymentIntent(request: ApiRequest): Answer {
  const params = parseParams(updateSchema, request.params);
  checkExpand('payment_intent', params.expand);
  refuseBoth(params, 'payment_method', 'payment_method_data');
  const types = allowedTypes(request, params);
  const record = findPaymentIntent(request);
  checkChangeable(record.intent, params);
  const currency = params.currency === undefined ? record.intent.currency : checkCurrency(params.currency);
  const amount = params.amount ?? record.intent.amount;
  if (params.amount !== undefined || params.currency !== undefined) checkAmount(amount, currency);
  const method = choosePaymentMethod(request, params);
  if (method) checkReusable(method);
  const isRepriced = amount !== record.intent.amount || currency !== record.intent.currency;
  const changes = {
    ...changesFrom(record.intent, params),
    ...restart(record.intent, method, isRepriced),
    ...typesChange(types),
    amount,
    currency,
  };
  if (method) savePaymentMethod(request, method);
  const challenge =
    record.challenge?.outcome === 'open' && changes.next_action === null ? null : record.challenge;
  const initiation = givenInitiation(params, record.initiation);
  const saved = savePaymentIntent(request, record, changes, { challenge, initiation });
  return { status: 200, body: expanded(request, 'payment_intent', saved.intent, params.expand) };
}

function checkChangeable(intent: PaymentIntent, params: UpdateParams): void {
  if (OPEN.includes(intent.status)) return;
  const refused = Object.entries(params).find(
    ([name, value]) => value !== undefined && !ALWAYS.includes(name),
  )?.[0];
  if (!refused) return;
  const message =
    `This PaymentIntent's ${refused} could not be updated because it has a status of ${intent.status}. You may only update the ${refused} of ` +
    `a PaymentIntent with one of the following statuses: ${OPEN.join(', ')}.`;
  throw unexpectedState(message, intent);
}

function changesFrom(intent: PaymentIntent, params: UpdateParams): Partial<PaymentIntent> {
  return {
    capture_method: params.capture_method ?? intent.capture_method,
    description: params.description === undefined ? intent.description : params.description,
    metadata: applyMetadata(intent.metadata, params.metadata),
    payment_method_options: { card: { ...intent.payment_method_options.card, ...givenCardOptions(params) } },
    receipt_email: params.receipt_email === undefined ? intent.receipt_email : params.receipt_email,
    setup_future_usage: futureUsage(params.setup_future_usage, intent.setup_future_usage),
    statement_descriptor_suffix:
      params.statement_descriptor_suffix === undefined
        ? intent.statement_descriptor_suffix
        : checkStatementSuffix(params.statement_descriptor_suffix),
    transfer_group: params.transfer_group === undefined ? intent.transfer_group : params.transfer_group,
  };
}

/** What was authenticated or confirmed for another card or amount does not count for this one. */
function restart(
  intent: PaymentIntent,
  method: PaymentMethodRecord | undefined,
  isRepriced: boolean,
): Partial<PaymentIntent> {
  if (method) return { payment_method: method.method.id, next_action: null, status: 'requires_confirmation' };
  return isRepriced && intent.status === 'requires_action'
    ? { next_action: null, status: 'requires_confirmation' }
    : {};
}
