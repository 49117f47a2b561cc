import type { RequestHandler } from 'express';
import { z } from 'zod';
import { parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { askTransaction } from '../ask-transaction.ts';
import { callerOf } from '../caller.ts';
import type { Caller } from '../caller.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { PAGE_DEADLINE_MS, fromCursor, limitOf, pageEnd, pageEndShape, pageShape } from '../page.ts';
import { pathIdOf } from '../path-id.ts';
import { readPayment } from '../payments/read-payment.ts';
import { refundSchema, toRefundJson } from './refund.ts';

export const listRefundsQuerySchema = z.strictObject({
  ...pageShape,
  payment_id: z
    .string()
    .refine((id) => fromPublicId('pay', id) !== undefined, 'must be the id of a payment')
    .optional()
    .meta({ description: 'Only those of this payment' }),
});

export const listPaymentRefundsQuerySchema = z.strictObject(pageShape);

export const refundListSchema = z
  .object({ data: z.array(refundSchema), ...pageEndShape })
  .meta({ id: 'RefundList', description: 'Refunds, newest first' });

/** `GET /v1/refunds` */
export function listRefunds(context: Context): RequestHandler {
  return async (request, response) => {
    const query = parseWith(listRefundsQuerySchema, queryOf(request));
    response.json(await pageOf(context, callerOf(request), query.payment_id ?? '', query));
  };
}

/** `GET /v1/payments/:id/refunds`; 404 when there is no such payment, which an empty page would hide. */
export function listPaymentRefunds(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const query = parseWith(listPaymentRefundsQuerySchema, queryOf(request));
    const paymentId = pathIdOf(request, 'pay');
    const caller = callerOf(request);
    await readPayment(context, caller.identity, paymentId, caller.requestId);
    response.json(await pageOf(context, caller, paymentId, query));
  };
}

async function pageOf(
  context: Context,
  caller: Caller,
  paymentId: string,
  query: z.infer<typeof listPaymentRefundsQuerySchema>,
): Promise<z.infer<typeof refundListSchema>> {
  const { merchantId, mode } = caller.identity;
  const afterRefundId = fromCursor('re', query.cursor);
  const page = await askTransaction(
    context.transaction.listRefunds.bind(context.transaction),
    { merchantId, mode: toMode(mode), limit: limitOf(query), paymentId, afterRefundId },
    { requestId: caller.requestId, deadlineMs: PAGE_DEADLINE_MS },
  );
  return {
    data: page.refunds.map(toRefundJson),
    ...pageEnd(page.hasMore, page.refunds.at(-1)?.refundId),
  };
}
