import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  ListPaymentsRequest,
  ListPaymentsResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asMerchant } from './as-merchant.ts';
import { PAYMENT_COLUMNS, statusOfMessage, toPayment, toPaymentMessage } from './payment.ts';
import type { PaymentRow } from './payment.ts';

// A page that a phone can show and a server can hold.
const LIMIT_MAX = 100;

/** A page of the merchant's payments, newest first. Ids are UUID v7, so the order of ids is the order of creation. */
export async function listPayments(
  context: Context,
  request: ListPaymentsRequest,
): Promise<ListPaymentsResponse> {
  const { limit, merchantId } = request;
  if (limit < 1 || limit > LIMIT_MAX)
    throw new AppError('validation_failed', {
      errors: [{ field: 'limit', reason: `is not between 1 and ${LIMIT_MAX}` }],
    });
  const after = request.afterPaymentId === '' ? null : fromPublicId('pay', request.afterPaymentId);
  if (after === undefined)
    throw new AppError('validation_failed', {
      errors: [{ field: 'cursor', reason: 'is not a cursor of ours' }],
    });
  const rows = await asMerchant(context.pool, merchantId, async (client) => {
    const found = await client.query<PaymentRow>({
      name: 'list-payments',
      text: `
        select ${PAYMENT_COLUMNS} from payments p
         where p.merchant_id = $1 and p.mode = $2
           and ($3::uuid is null or p.id < $3)
           and ($4::text is null or p.status = $4)
           and ($5::text is null or p.booking_reference = $5)
           and ($6::timestamptz is null or p.created_at >= $6)
           and ($7::timestamptz is null or p.created_at < $7)
         order by p.id desc
         limit $8`,
      values: [
        merchantId,
        request.mode === Mode.MODE_LIVE ? 'live' : 'test',
        after,
        statusOfMessage(request.status) ?? null,
        request.bookingReference === '' ? null : request.bookingReference,
        request.createdFrom ?? null,
        request.createdBefore ?? null,
        limit + 1,
      ],
    });
    return found.rows;
  });
  return {
    payments: rows.slice(0, limit).map((row) => toPaymentMessage(toPayment(row))),
    hasMore: rows.length > limit,
  };
}
