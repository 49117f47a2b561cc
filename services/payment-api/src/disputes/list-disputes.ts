import type { RequestHandler } from 'express';
import { z } from 'zod';
import { contextOf, identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { fromCursor, limitOf, PAGE_DEADLINE_MS, pageEnd, pageEndShape, pageShape } from '../page.ts';
import { disputeSchema, disputeStatusSchema, toJson } from './dispute.ts';

export const listDisputesSchema = z.strictObject({
  ...pageShape,
  payment_id: z
    .string()
    .refine((id) => fromPublicId('pay', id) !== undefined, 'must be a payment id')
    .optional()
    .meta({ description: 'Only those of this payment', example: 'pay_01jd4qv8e2f5tb3y9k7m1n6p0r' }),
  status: disputeStatusSchema.optional(),
});

export const disputeListSchema = z
  .object({ data: z.array(disputeSchema), ...pageEndShape })
  .meta({ id: 'DisputeList', description: 'Disputes, newest first' });

/** `GET /v1/disputes` */
export function listDisputes(context: Context): RequestHandler {
  return async (request, response) => {
    const query = parseWith(listDisputesSchema, queryOf(request));
    const { merchantId, mode } = identityOf(request);
    const page = await askTransaction(
      context.transaction.listDisputes.bind(context.transaction),
      {
        merchantId,
        mode: toMode(mode),
        limit: limitOf(query),
        paymentId: query.payment_id ?? '',
        status: query.status ?? '',
        afterDisputeId: fromCursor('dis', query.cursor),
      },
      { requestId: contextOf(request).requestId, deadlineMs: PAGE_DEADLINE_MS },
    );
    const json: z.infer<typeof disputeListSchema> = {
      data: page.disputes.map(toJson),
      ...pageEnd(page.hasMore, page.disputes.at(-1)?.disputeId),
    };
    response.json(json);
  };
}
