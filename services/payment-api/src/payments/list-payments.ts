import type { RequestHandler } from 'express';
import { z } from 'zod';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { askTransaction } from '../ask-transaction.ts';
import { bookingReferenceSchema } from '../charges/charge.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { paymentSchema, paymentStatusSchema, toJson } from './payment.ts';

const LIMIT_DEFAULT = 20;
// One page of an index, of at most 100 rows; what takes longer is a fault.
const LIST_DEADLINE_MS = 5_000;

const time = z.iso.datetime({
  offset: true,
  error: 'must be an ISO 8601 time with an offset, like 2026-03-01T00:00:00Z',
});

export const listQuerySchema = z.strictObject({
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .optional()
    .meta({ description: `How many, 1 to 100; ${LIMIT_DEFAULT} when absent`, example: '20' }),
  cursor: z.string().max(64).optional().meta({ description: 'The `next_cursor` of the page before' }),
  status: paymentStatusSchema.optional(),
  booking_reference: bookingReferenceSchema.optional(),
  created_from: time.optional().meta({ description: 'Created at this time or later' }),
  created_before: time.optional().meta({ description: 'Created before this time' }),
});

export const paymentListSchema = z
  .object({ data: z.array(paymentSchema), has_more: z.boolean(), next_cursor: z.string().nullable() })
  .meta({ id: 'PaymentList', description: 'Payments, newest first' });

/** `GET /v1/payments` */
export function listPayments(context: Context): RequestHandler {
  return async (request, response) => {
    const query = parseWith(listQuerySchema, queryOf(request));
    const identity = identityOf(request);
    const page = await askTransaction(
      context,
      context.transaction.listPayments.bind(context.transaction),
      {
        merchantId: identity.merchantId,
        mode: toMode(identity.mode),
        limit: Number(query.limit ?? LIMIT_DEFAULT),
        afterPaymentId: query.cursor === undefined ? '' : fromCursor(query.cursor),
        status:
          query.status === undefined ? PaymentStatus.PAYMENT_STATUS_UNSPECIFIED : STATUSES[query.status],
        bookingReference: query.booking_reference ?? '',
        createdFrom: query.created_from === undefined ? undefined : new Date(query.created_from),
        createdBefore: query.created_before === undefined ? undefined : new Date(query.created_before),
      },
      { requestId: contextOf(request).requestId, deadlineMs: LIST_DEADLINE_MS },
    );
    const last = page.payments.at(-1);
    response.json({
      data: page.payments.map(toJson),
      has_more: page.hasMore,
      next_cursor: page.hasMore && last !== undefined ? toCursor(last.paymentId) : null,
    });
  };
}

const STATUSES = {
  processing: PaymentStatus.PAYMENT_STATUS_PROCESSING,
  requires_action: PaymentStatus.PAYMENT_STATUS_REQUIRES_ACTION,
  succeeded: PaymentStatus.PAYMENT_STATUS_SUCCEEDED,
  failed: PaymentStatus.PAYMENT_STATUS_FAILED,
} as const;

/** Opaque to clients, so that what it holds may change. */
export function toCursor(paymentId: string): string {
  return Buffer.from(paymentId).toString('base64url');
}

function fromCursor(cursor: string): string {
  const paymentId = Buffer.from(cursor, 'base64url').toString('latin1');
  // Decoding forgives almost anything; encoding again shows what was forgiven.
  if (fromPublicId('pay', paymentId) === undefined || toCursor(paymentId) !== cursor)
    throw new AppError('validation_failed', {
      errors: [{ field: 'cursor', reason: 'is not a next_cursor that we gave out' }],
    });
  return paymentId;
}
