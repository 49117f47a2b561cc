import type { RequestHandler } from 'express';
import { z } from 'zod';
import { CaptureMethod } from '@centra/proto/centra/payment/v1/payment.ts';
import type {
  AuthorizePaymentRequest,
  AuthorizePaymentResponse,
  Payment,
} from '@centra/proto/centra/payment/v1/payment.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { askOperation } from '../ask-operation.ts';
import { cardTokenSchema, refusePlainUrls, returnUrlSchema } from '../charges/charge.ts';
import type { Context } from '../context.ts';
import { sendAnswer } from '../replies/send-answer.ts';
import { followUpOf, followUpOfCall } from './follow-up.ts';
import type { AskedFollowUp } from './follow-up.ts';
import { withoutEmpty } from './message-body.ts';
import { paidAnswer, required } from './payment-answer.ts';
import { toJson } from './payment.ts';
import { readPayment } from './read-payment.ts';

const ENDPOINT = 'POST /v1/payments/:id/authorize';

export const authorizeSchema = z
  .strictObject({ card_token: cardTokenSchema, return_url: returnUrlSchema.optional() })
  .meta({ id: 'AuthorizeRequest' });

/** `POST /v1/payments/:id/authorize`: holds, or collects by its capture method, a payment that was only created. */
export function authorizePayment(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const asked = followUpOf(request, ENDPOINT, authorizeSchema);
    const { payment, replayed } = await authorize(context, asked);
    const json = toJson(payment);
    context.counters.charges.inc({ outcome: json.status, replayed: String(replayed) });
    await sendAnswer(context, response, asked.key, paidAnswer(json, 200), replayed);
  };
}

/** `PaymentService.AuthorizePayment` */
export function authorizePaymentCall(context: Context) {
  return async (request: AuthorizePaymentRequest, call: CallContext): Promise<AuthorizePaymentResponse> => {
    const { idempotencyKey, paymentId, cardToken, returnUrl } = request;
    const asked = await followUpOfCall(context, call, {
      scope: 'payments:write',
      endpoint: ENDPOINT,
      schema: authorizeSchema,
      idempotencyKey,
      paymentId,
      body: withoutEmpty({ card_token: cardToken, return_url: returnUrl }),
    });
    return await authorize(context, asked);
  };
}

async function authorize(
  context: Context,
  asked: AskedFollowUp<z.infer<typeof authorizeSchema>>,
): Promise<{ payment: Payment; replayed: boolean }> {
  const { card_token: cardToken, return_url: returnUrl } = asked.body;
  refusePlainUrls(context, { return_url: returnUrl });
  const { transaction } = context;
  const { identity, requestId } = asked.caller;
  const { operationId } = asked.key;
  // Which of the two it is was said when the payment was created, and never changes.
  const { captureMethod } = await readPayment(context, identity, asked.paymentId, requestId);
  const pay =
    captureMethod === CaptureMethod.CAPTURE_METHOD_MANUAL
      ? transaction.authorize.bind(transaction)
      : transaction.sale.bind(transaction);
  const request = { ...asked.followUp, ...AS_CREATED, cardToken, returnUrl: returnUrl ?? '' };
  const { payment, replayed } = await askOperation(context, pay, request, { operationId, requestId });
  return { payment: required(payment, 'payment'), replayed };
}

// The payment has all of these already.
const AS_CREATED = {
  amount: undefined,
  bookingReference: '',
  guest: undefined,
  description: '',
  metadata: {},
  providerAccountId: '',
  options: undefined,
};
