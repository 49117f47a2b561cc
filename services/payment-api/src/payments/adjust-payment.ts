import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { AdjustPaymentRequest, AdjustPaymentResponse } from '@centra/proto/centra/payment/v1/payment.ts';
import type { AdjustResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { askOperation } from '../ask-operation.ts';
import { amountSchema, currencySchema } from '../charges/charge.ts';
import type { Context } from '../context.ts';
import { sendAnswer } from '../replies/send-answer.ts';
import { amountOf, followUpOf, followUpOfCall } from './follow-up.ts';
import type { AskedFollowUp } from './follow-up.ts';
import { toBodyAmount } from './message-body.ts';
import { followUpAnswer } from './payment-answer.ts';

const ENDPOINT = 'POST /v1/payments/:id/adjust';

export const adjustSchema = z
  .strictObject({
    amount: amountSchema.meta({ description: 'The new total of the hold, in minor units' }),
    currency: currencySchema.optional().meta({ description: 'Must be that of the payment' }),
  })
  .meta({ id: 'AdjustRequest' });

/** `POST /v1/payments/:id/adjust`: raises or lowers a hold to a new total. */
export function adjustPayment(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const asked = followUpOf(request, ENDPOINT, adjustSchema);
    const done = await adjust(context, asked);
    await sendAnswer(
      context,
      response,
      asked.key,
      followUpAnswer('adjustment_declined', done),
      done.replayed,
    );
  };
}

/** `PaymentService.AdjustPayment` */
export function adjustPaymentCall(context: Context) {
  return async (request: AdjustPaymentRequest, call: CallContext): Promise<AdjustPaymentResponse> => {
    const { idempotencyKey, paymentId } = request;
    const asked = await followUpOfCall(context, call, {
      scope: 'payments:write',
      endpoint: ENDPOINT,
      schema: adjustSchema,
      idempotencyKey,
      paymentId,
      body: toBodyAmount(request.amount),
    });
    const { payment, replayed, failure } = await adjust(context, asked);
    return { payment, replayed, failure };
  };
}

async function adjust(
  context: Context,
  asked: AskedFollowUp<z.infer<typeof adjustSchema>>,
): Promise<AdjustResponse> {
  const { transaction, counters } = context;
  const amount = await amountOf(context, asked);
  const done = await askOperation(
    context,
    transaction.adjust.bind(transaction),
    { followUp: asked.followUp, amount },
    { operationId: asked.key.operationId, requestId: asked.caller.requestId },
  );
  counters.countOperation('adjust', done);
  return done;
}
