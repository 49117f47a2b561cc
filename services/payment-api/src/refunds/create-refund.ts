import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { RefundPaymentRequest, RefundPaymentResponse } from '@centra/proto/centra/payment/v1/payment.ts';
import type { RefundResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { askOperation } from '../ask-operation.ts';
import { amountSchema, currencySchema, metadataSchema } from '../charges/charge.ts';
import type { Context } from '../context.ts';
import { amountOf, followUpOf, followUpOfCall } from '../payments/follow-up.ts';
import type { AskedFollowUp } from '../payments/follow-up.ts';
import { toBodyAmount, withoutEmpty } from '../payments/message-body.ts';
import { required } from '../payments/payment-answer.ts';
import { sendAnswer } from '../replies/send-answer.ts';
import { refundAnswer, toRefundJson } from './refund.ts';

const ENDPOINT = 'POST /v1/payments/:id/refund';

export const refundRequestSchema = z
  .strictObject({
    amount: amountSchema.optional().meta({
      description: 'In minor units; all that is left to give back when absent',
    }),
    currency: currencySchema.optional().meta({ description: 'Must be that of the payment' }),
    reason: z.enum(['requested_by_customer', 'duplicate', 'fraudulent']).optional(),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'RefundRequest' });

/** `POST /v1/payments/:id/refund`: gives captured money back, to the way it came. */
export function createRefund(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const asked = followUpOf(request, ENDPOINT, refundRequestSchema);
    const done = await refundPayment(context, asked);
    const json = toRefundJson(required(done.refund, 'refund'));
    await sendAnswer(context, response, asked.key, refundAnswer(json), done.replayed);
  };
}

/** `PaymentService.RefundPayment` */
export function refundPaymentCall(context: Context) {
  return async (request: RefundPaymentRequest, call: CallContext): Promise<RefundPaymentResponse> => {
    const { idempotencyKey, paymentId, reason, metadata } = request;
    const asked = await followUpOfCall(context, call, {
      scope: 'refunds:write',
      endpoint: ENDPOINT,
      schema: refundRequestSchema,
      idempotencyKey,
      paymentId,
      body: { ...toBodyAmount(request.amount), ...withoutEmpty({ reason, metadata: { ...metadata } }) },
    });
    const { refund, payment, replayed } = await refundPayment(context, asked);
    return { refund, payment, replayed };
  };
}

async function refundPayment(
  context: Context,
  asked: AskedFollowUp<z.infer<typeof refundRequestSchema>>,
): Promise<RefundResponse> {
  const { transaction, counters } = context;
  const { reason = '', metadata = {} } = asked.body;
  const amount = await amountOf(context, asked);
  const done = await askOperation(
    context,
    transaction.refund.bind(transaction),
    { followUp: asked.followUp, amount, reason, metadata },
    { operationId: asked.key.operationId, requestId: asked.caller.requestId },
  );
  counters.countOperation('refund', done);
  return done;
}
