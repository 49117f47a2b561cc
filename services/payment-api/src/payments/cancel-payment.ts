import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { CancelPaymentRequest, CancelPaymentResponse } from '@centra/proto/centra/payment/v1/payment.ts';
import type { VoidResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { askOperation } from '../ask-operation.ts';
import type { Context } from '../context.ts';
import { sendAnswer } from '../replies/send-answer.ts';
import { followUpOf, followUpOfCall } from './follow-up.ts';
import type { AskedFollowUp } from './follow-up.ts';
import { withoutEmpty } from './message-body.ts';
import { followUpAnswer } from './payment-answer.ts';

const ENDPOINT = 'POST /v1/payments/:id/cancel';

export const cancelSchema = z
  .strictObject({
    reason: z
      .enum(['requested_by_customer', 'duplicate', 'fraudulent', 'abandoned'])
      .optional()
      .meta({ description: 'For the history' }),
  })
  .meta({ id: 'CancelRequest' });

/** `POST /v1/payments/:id/cancel`: releases a hold or stops a payment; never gives captured money back. */
export function cancelPayment(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const asked = followUpOf(request, ENDPOINT, cancelSchema);
    const done = await cancel(context, asked);
    await sendAnswer(context, response, asked.key, followUpAnswer('cancel_declined', done), done.replayed);
  };
}

/** `PaymentService.CancelPayment` */
export function cancelPaymentCall(context: Context) {
  return async (request: CancelPaymentRequest, call: CallContext): Promise<CancelPaymentResponse> => {
    const { idempotencyKey, paymentId } = request;
    const asked = await followUpOfCall(context, call, {
      scope: 'payments:write',
      endpoint: ENDPOINT,
      schema: cancelSchema,
      idempotencyKey,
      paymentId,
      body: withoutEmpty({ reason: request.reason }),
    });
    const { payment, replayed, failure } = await cancel(context, asked);
    return { payment, replayed, failure };
  };
}

async function cancel(
  context: Context,
  asked: AskedFollowUp<z.infer<typeof cancelSchema>>,
): Promise<VoidResponse> {
  const { transaction, counters } = context;
  const done = await askOperation(
    context,
    transaction.void.bind(transaction),
    { followUp: asked.followUp, reason: asked.body.reason ?? '' },
    { operationId: asked.key.operationId, requestId: asked.caller.requestId },
  );
  counters.countOperation('cancel', done);
  return done;
}
