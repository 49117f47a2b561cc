import type { RequestHandler } from 'express';
import { z } from 'zod';
import type {
  CapturePaymentRequest,
  CapturePaymentResponse,
} from '@centra/proto/centra/payment/v1/payment.ts';
import type { CaptureResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { askOperation } from '../ask-operation.ts';
import { amountSchema, currencySchema } from '../charges/charge.ts';
import type { Context } from '../context.ts';
import { sendAnswer } from '../replies/send-answer.ts';
import { amountOf, followUpOf, followUpOfCall } from './follow-up.ts';
import type { AskedFollowUp } from './follow-up.ts';
import { toBodyAmount, withoutEmpty } from './message-body.ts';
import { followUpAnswer } from './payment-answer.ts';

const ENDPOINT = 'POST /v1/payments/:id/capture';

export const captureSchema = z
  .strictObject({
    amount: amountSchema.optional().meta({
      description: 'In minor units; all that is left of the hold when absent',
    }),
    currency: currencySchema.optional().meta({ description: 'Must be that of the payment' }),
    keep_open: z.boolean().optional().meta({
      description:
        'Leave the hold open for another capture, where it allows several; otherwise the rest is released',
    }),
  })
  .meta({ id: 'CaptureRequest' });

/** `POST /v1/payments/:id/capture` */
export function capturePayment(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const asked = followUpOf(request, ENDPOINT, captureSchema);
    const done = await capture(context, asked);
    await sendAnswer(context, response, asked.key, followUpAnswer('capture_declined', done), done.replayed);
  };
}

/** `PaymentService.CapturePayment` */
export function capturePaymentCall(context: Context) {
  return async (request: CapturePaymentRequest, call: CallContext): Promise<CapturePaymentResponse> => {
    const { idempotencyKey, paymentId } = request;
    const body = { ...toBodyAmount(request.amount), ...withoutEmpty({ keep_open: request.keepOpen }) };
    const asked = await followUpOfCall(context, call, {
      scope: 'payments:write',
      endpoint: ENDPOINT,
      schema: captureSchema,
      idempotencyKey,
      paymentId,
      body,
    });
    const { payment, replayed, failure } = await capture(context, asked);
    return { payment, replayed, failure };
  };
}

async function capture(
  context: Context,
  asked: AskedFollowUp<z.infer<typeof captureSchema>>,
): Promise<CaptureResponse> {
  const { transaction, counters } = context;
  const amount = await amountOf(context, asked);
  const done = await askOperation(
    context,
    transaction.capture.bind(transaction),
    { followUp: asked.followUp, amount, keepOpen: asked.body.keep_open ?? false },
    { operationId: asked.key.operationId, requestId: asked.caller.requestId },
  );
  counters.countOperation('capture', done);
  return done;
}
