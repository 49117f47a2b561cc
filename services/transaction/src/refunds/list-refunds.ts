import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  ListRefundsRequest,
  ListRefundsResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { OPERATION_COLUMNS, toOperation } from '../operations/operation.ts';
import type { OperationRow } from '../operations/operation.ts';
import { asMerchant } from '../payments/as-merchant.ts';
import { PAYMENT_COLUMNS } from '../payments/payment.ts';
import type { PaymentRow } from '../payments/payment.ts';
import { toRefundMessage } from './refund-message.ts';

const LIMIT_MAX = 100;

/**
 * The merchant's refunds in that mode, newest first; of one payment when it is named, and then not_found unless it is the
 * merchant's. Refuses a limit outside 1 to 100 and a cursor that is no refund of the merchant with validation_failed.
 */
export async function listRefunds(
  context: Context,
  request: ListRefundsRequest,
): Promise<ListRefundsResponse> {
  const { limit, merchantId } = request;
  if (limit < 1 || limit > LIMIT_MAX) throw invalid('limit', `is not between 1 and ${LIMIT_MAX}`);
  const paymentId = request.paymentId === '' ? undefined : fromPublicId('pay', request.paymentId);
  if (request.paymentId !== '' && paymentId === undefined) throw new AppError('not_found');
  const after = request.afterRefundId === '' ? undefined : fromPublicId('re', request.afterRefundId);
  if (request.afterRefundId !== '' && after === undefined)
    throw invalid('cursor', 'is not a next_cursor that we gave out');
  const mode = request.mode === Mode.MODE_LIVE ? 'live' : 'test';
  const rows = await asMerchant(context.pool, merchantId, async (client) => {
    if (paymentId !== undefined) {
      const known = await client.query({
        name: 'payment-of-refunds',
        text: `select from payments where merchant_id = $1 and id = $2 and mode = $3`,
        values: [merchantId, paymentId, mode],
      });
      if (known.rowCount === 0) throw new AppError('not_found');
    }
    if (after !== undefined) {
      const known = await client.query({
        name: 'refund-cursor',
        text: `select from operations where merchant_id = $1 and id = $2 and kind = 'refund'`,
        values: [merchantId, after],
      });
      if (known.rowCount === 0) throw invalid('cursor', 'is not a next_cursor that we gave out');
    }
    const found = await client.query<OperationRow & PaymentRow>({
      name: 'list-refunds',
      text: `
        select ${OPERATION_COLUMNS}, ${PAYMENT_COLUMNS}
          from operations o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
         where o.merchant_id = $1 and o.kind = 'refund' and p.mode = $2 and ($3::uuid is null or o.payment_id = $3)
           and ($4::uuid is null or (o.created_at, o.id) <
             (select c.created_at, c.id from operations c where c.merchant_id = $1 and c.id = $4))
         order by o.created_at desc, o.id desc limit $5`,
      values: [merchantId, mode, paymentId ?? null, after ?? null, limit + 1],
    });
    return found.rows;
  });
  return {
    refunds: rows.slice(0, limit).map((row) => toRefundMessage(toOperation(row).operation)),
    hasMore: rows.length > limit,
  };
}

function invalid(field: string, reason: string): AppError {
  return new AppError('validation_failed', { errors: [{ field, reason }] });
}
