import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { PaymentEvent } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { contextOf, identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { PAGE_DEADLINE_MS, limitOf, pageEndShape, pageShape } from '../page.ts';
import { pathIdOf } from '../path-id.ts';
import { minorUnits, paymentStatusSchema, sortedByKey, toAmount, toStatus, toTime } from './payment.ts';

export const listEventsQuerySchema = z.strictObject({
  limit: pageShape.limit,
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'is not a next_cursor that we gave out')
    .optional()
    .meta({ description: 'The `next_cursor` of the page before: the version of its last event' }),
});

export const paymentEventSchema = z
  .object({
    version: z.int().min(1).meta({ description: 'One more with each event of the payment' }),
    object: z.literal('payment_event'),
    type: z.string().meta({ example: 'payment.captured' }),
    status: paymentStatusSchema,
    at: z.string().meta({ description: 'ISO 8601, UTC' }),
    actor: z.string().meta({ description: 'Who did it, for example `api_key:key_…`' }),
    address: z.string().nullable().meta({ description: 'The network address of whoever asked for it' }),
    request_id: z.string().nullable(),
    operation_id: z.string().nullable(),
    details: z.record(z.string(), z.string()),
    amount_authorized: minorUnits,
    amount_captured: minorUnits,
    amount_refunded: minorUnits,
  })
  .meta({
    id: 'PaymentEvent',
    description: 'One step in the life of a payment, with the sums as it left them',
  });

export const paymentEventListSchema = z
  .object({ data: z.array(paymentEventSchema), ...pageEndShape })
  .meta({ id: 'PaymentEventList', description: 'Everything that happened to a payment, oldest first' });

/** `GET /v1/payments/:id/events` */
export function listPaymentEvents(context: Context): RequestHandler<{ id: string }> {
  const ask = context.transaction.listPaymentEvents.bind(context.transaction);
  return async (request, response) => {
    const query = parseWith(listEventsQuerySchema, queryOf(request));
    const paymentId = pathIdOf(request, 'pay');
    const { merchantId, mode } = identityOf(request);
    const page = await askTransaction(
      ask,
      {
        merchantId,
        mode: toMode(mode),
        paymentId,
        limit: limitOf(query),
        afterVersion: Number(query.cursor ?? 0),
      },
      { requestId: contextOf(request).requestId, deadlineMs: PAGE_DEADLINE_MS },
    );
    const last = page.events.at(-1);
    response.json({
      data: page.events.map(toEventJson),
      has_more: page.hasMore,
      next_cursor: page.hasMore && last !== undefined ? String(last.version) : null,
    });
  };
}

function toEventJson(event: PaymentEvent): z.infer<typeof paymentEventSchema> {
  return {
    version: event.version,
    object: 'payment_event',
    type: event.type,
    status: toStatus(event.status),
    at: toTime(event.at),
    actor: event.origin?.actor ?? '',
    address: event.origin?.address || null,
    request_id: event.origin?.requestId || null,
    operation_id: event.operationId || null,
    details: sortedByKey(event.details),
    amount_authorized: toAmount(event.authorizedMinor),
    amount_captured: toAmount(event.capturedMinor),
    amount_refunded: toAmount(event.refundedMinor),
  };
}
