import type { RequestHandler } from 'express';
import { z } from 'zod';
import { CaptureMethod, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { ListPaymentsRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { contextOf, identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import { bookingReferenceSchema, currencySchema, text } from '../charges/charge.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import {
  PAGE_DEADLINE_MS,
  fromCursor,
  limitOf,
  pageEnd,
  pageEndShape,
  pageShape,
  timeSchema,
} from '../page.ts';
import { STATUSES, captureMethodSchema, paymentSchema, paymentStatusSchema, toJson } from './payment.ts';

export const listQuerySchema = z.strictObject({
  ...pageShape,
  status: paymentStatusSchema.optional(),
  booking_reference: bookingReferenceSchema.optional(),
  provider_reference: text(255).optional().meta({ description: "The provider's own id of the payment" }),
  guest_email: z.email().max(254).optional().meta({ description: 'Whatever the case of its letters' }),
  card_last4: z
    .string()
    .regex(/^\d{4}$/, 'must be four digits')
    .optional(),
  amount: z
    .string()
    .regex(/^[1-9]\d{0,15}$/, 'must be a whole number of minor units')
    .refine((digits) => Number.isSafeInteger(Number(digits)), 'must be at most 9007199254740991')
    .optional()
    .meta({ description: 'What was asked for, in minor units; say the currency too' }),
  currency: currencySchema.optional(),
  capture_method: captureMethodSchema.optional(),
  query: text(100)
    .min(3, 'must be 3 to 100 characters')
    .optional()
    .meta({
      description:
        'A part of the booking reference or of the name or e-mail address of the guest, or the whole id of the ' +
        "payment, ours or the provider's; whatever the case of its letters",
    }),
  created_from: timeSchema.optional().meta({ description: 'Created at this time or later' }),
  created_before: timeSchema.optional().meta({ description: 'Created before this time' }),
});

export const paymentListSchema = z
  .object({ data: z.array(paymentSchema), ...pageEndShape })
  .meta({ id: 'PaymentList', description: 'Payments, newest first' });

/** `GET /v1/payments`: list and search. */
export function listPayments(context: Context): RequestHandler {
  const ask = context.transaction.listPayments.bind(context.transaction);
  return async (request, response) => {
    const query = parseWith(listQuerySchema, queryOf(request));
    const { merchantId, mode } = identityOf(request);
    const page = await askTransaction(
      ask,
      { merchantId, mode: toMode(mode), ...toFilters(query) },
      { requestId: contextOf(request).requestId, deadlineMs: PAGE_DEADLINE_MS },
    );
    response.json({
      data: page.payments.map(toJson),
      ...pageEnd(page.hasMore, page.payments.at(-1)?.paymentId),
    });
  };
}

function toFilters(query: z.infer<typeof listQuerySchema>): Omit<ListPaymentsRequest, 'merchantId' | 'mode'> {
  return {
    limit: limitOf(query),
    afterPaymentId: fromCursor('pay', query.cursor),
    status: query.status === undefined ? PaymentStatus.PAYMENT_STATUS_UNSPECIFIED : STATUSES[query.status],
    bookingReference: query.booking_reference ?? '',
    providerReference: query.provider_reference ?? '',
    guestEmail: query.guest_email ?? '',
    cardLast4: query.card_last4 ?? '',
    amountMinor: BigInt(query.amount ?? 0),
    currency: query.currency ?? '',
    captureMethod: toCaptureMethod(query.capture_method),
    query: query.query ?? '',
    createdFrom: query.created_from === undefined ? undefined : new Date(query.created_from),
    createdBefore: query.created_before === undefined ? undefined : new Date(query.created_before),
  };
}

function toCaptureMethod(method: 'automatic' | 'manual' | undefined): CaptureMethod {
  if (method === undefined) return CaptureMethod.CAPTURE_METHOD_UNSPECIFIED;
  return method === 'manual' ? CaptureMethod.CAPTURE_METHOD_MANUAL : CaptureMethod.CAPTURE_METHOD_AUTOMATIC;
}
