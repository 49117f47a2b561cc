import type { RequestHandler } from 'express';
import { CaptureMethod, Initiation } from '@centra/proto/centra/payment/v1/payment.ts';
import type {
  CreatePaymentRequest,
  CreatePaymentResponse,
  InitiatePaymentRequest,
  InitiatePaymentResponse,
  Payment,
} from '@centra/proto/centra/payment/v1/payment.ts';
import type { PaymentOptions } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith, refuseQuery } from '@centra/service-kit/http.ts';
import { askOperation } from '../ask-operation.ts';
import { callerOf, callerOfCall } from '../caller.ts';
import type { Caller } from '../caller.ts';
import { refusePlainUrls } from '../charges/charge.ts';
import { toRoutingHints } from '../charges/routing-hints.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { checkIdempotencyKey, idempotencyKeyOf } from '../replies/idempotency-key.ts';
import { replyKeyOf } from '../replies/reply-key.ts';
import type { ReplyKey } from '../replies/reply-writer.ts';
import { sendAnswer } from '../replies/send-answer.ts';
import { HOSTED_MINUTES_DEFAULT, newPaymentSchema } from './new-payment.ts';
import type { NewPayment } from './new-payment.ts';
import { bodyOfCreate, bodyOfInitiate } from './new-payment-message.ts';
import { createdAnswer, paidAnswer, required } from './payment-answer.ts';
import { toJson } from './payment.ts';
import { priceOf } from './quoted-price.ts';
import type { Price } from './quoted-price.ts';

const ENDPOINT = 'POST /v1/payments';

/** `POST /v1/payments`: with a card token it is paid or held at once, with `hosted` on the provider's page, else later. */
export function createPayment(context: Context): RequestHandler {
  return async (request, response) => {
    refuseQuery(request);
    const idempotencyKey = idempotencyKeyOf(request);
    const { key, isPaidLater, payment, replayed } = await create(
      context,
      callerOf(request),
      idempotencyKey,
      request.body,
    );
    const json = toJson(payment);
    context.counters.charges.inc({ outcome: json.status, replayed: String(replayed) });
    const answer = isPaidLater ? createdAnswer(json) : paidAnswer(json, 201);
    await sendAnswer(context, response, key, answer, replayed);
  };
}

/** `PaymentService.CreatePayment` */
export function createPaymentCall(context: Context) {
  return async (request: CreatePaymentRequest, call: CallContext): Promise<CreatePaymentResponse> =>
    await createByCall(context, call, request.idempotencyKey, bodyOfCreate(request));
}

/** `PaymentService.InitiatePayment` */
export function initiatePaymentCall(context: Context) {
  return async (request: InitiatePaymentRequest, call: CallContext): Promise<InitiatePaymentResponse> =>
    await createByCall(context, call, request.idempotencyKey, bodyOfInitiate(request));
}

async function createByCall(context: Context, call: CallContext, idempotencyKey: string, body: unknown) {
  const caller = await callerOfCall(context, call, 'payments:write');
  checkIdempotencyKey(idempotencyKey, 'idempotency_key');
  refuseCardData(body);
  const { payment, replayed } = await create(context, caller, idempotencyKey, body);
  return { payment, replayed };
}

type Created = { key: ReplyKey; isPaidLater: boolean; payment: Payment; replayed: boolean };

/** What both doors do, by the body of the HTTP contract. */
async function create(
  context: Context,
  caller: Caller,
  idempotencyKey: string,
  body: unknown,
): Promise<Created> {
  const wanted = parseWith(newPaymentSchema, body);
  refusePlainUrls(context, {
    return_url: wanted.return_url,
    'hosted.success_url': wanted.hosted?.success_url,
    'hosted.cancel_url': wanted.hosted?.cancel_url,
  });
  const key = replyKeyOf(caller.identity, idempotencyKey, { endpoint: ENDPOINT, body: wanted });
  const price = await priceOf(context, key, wanted);
  const answer = await ask(context, caller, key, wanted, price);
  const isPaidLater = wanted.card_token === undefined && wanted.hosted === undefined;
  return { key, isPaidLater, payment: required(answer.payment, 'payment'), replayed: answer.replayed };
}

/** The one call that the wish comes to. */
async function ask(context: Context, caller: Caller, key: ReplyKey, wanted: NewPayment, price: Price) {
  const { transaction } = context;
  const options = { operationId: key.operationId, requestId: caller.requestId };
  const terms = toTerms(caller, key, wanted, price);
  const captureMethod =
    wanted.capture_method === 'manual'
      ? CaptureMethod.CAPTURE_METHOD_MANUAL
      : CaptureMethod.CAPTURE_METHOD_AUTOMATIC;
  if (wanted.hosted !== undefined) {
    const hosted = {
      successUrl: wanted.hosted.success_url,
      cancelUrl: wanted.hosted.cancel_url,
      expiresInMinutes: wanted.hosted.expires_in_minutes ?? HOSTED_MINUTES_DEFAULT,
    };
    const initiate = transaction.initiate.bind(transaction);
    return await askOperation(context, initiate, { ...terms, ...hosted, captureMethod }, options);
  }
  if (wanted.card_token === undefined) {
    const createOnly = transaction.createPayment.bind(transaction);
    return await askOperation(context, createOnly, { ...terms, captureMethod }, options);
  }
  const card = { cardToken: wanted.card_token, returnUrl: wanted.return_url ?? '', paymentId: '' };
  const pay =
    wanted.capture_method === 'manual'
      ? transaction.authorize.bind(transaction)
      : transaction.sale.bind(transaction);
  return await askOperation(context, pay, { ...terms, ...card }, options);
}

/** What all four calls say alike. */
function toTerms(caller: Caller, key: ReplyKey, wanted: NewPayment, price: Price) {
  return {
    operationId: key.operationId,
    merchantId: key.merchantId,
    mode: toMode(key.mode),
    requestFingerprint: key.fingerprint,
    amount: price.money,
    bookingReference: wanted.booking_reference,
    guest: { name: wanted.guest?.name ?? '', email: wanted.guest?.email ?? '' },
    description: wanted.description ?? '',
    metadata: wanted.metadata ?? {},
    providerAccountId: wanted.provider_account ?? '',
    origin: caller.origin,
    options: toOptions(wanted, price),
  };
}

const INITIATIONS = {
  customer: Initiation.INITIATION_CUSTOMER,
  merchant: Initiation.INITIATION_MERCHANT,
  moto: Initiation.INITIATION_MOTO,
} as const;

function toOptions(wanted: NewPayment, price: Price): PaymentOptions {
  return {
    initiation: INITIATIONS[wanted.initiation ?? 'customer'],
    originalNetworkTransactionId: wanted.original_network_transaction_id ?? '',
    extras: {
      multipleCapture: wanted.extras?.multiple_capture ?? false,
      incremental: wanted.extras?.incremental ?? false,
      overcapture: wanted.extras?.overcapture ?? false,
      extended: wanted.extras?.extended ?? false,
    },
    allowPartialApproval: wanted.allow_partial_approval ?? false,
    retrySoftDeclines: wanted.retry_soft_declines ?? false,
    quoteId: price.quoteId,
    quoteHash: price.quoteHash,
    routingHints: toRoutingHints(wanted),
  };
}
