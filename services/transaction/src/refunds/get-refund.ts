import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { Refund } from '@centra/proto/centra/payment/v1/payment.ts';
import type { GetRefundRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { OPERATION_COLUMNS, toOperation } from '../operations/operation.ts';
import type { OperationRow } from '../operations/operation.ts';
import { asMerchant } from '../payments/as-merchant.ts';
import { PAYMENT_COLUMNS } from '../payments/payment.ts';
import type { PaymentRow } from '../payments/payment.ts';
import { toRefundMessage } from './refund-message.ts';

/** One refund of the merchant in that mode; everything else, also another merchant's, is not_found. */
export async function getRefund(context: Context, request: GetRefundRequest): Promise<Refund> {
  const id = fromPublicId('re', request.refundId);
  if (id === undefined) throw new AppError('not_found');
  const row = await asMerchant(context.pool, request.merchantId, async (client) => {
    const { rows } = await client.query<OperationRow & PaymentRow>({
      name: 'get-refund',
      text: `
        select ${OPERATION_COLUMNS}, ${PAYMENT_COLUMNS}
          from operations o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
         where o.merchant_id = $1 and o.id = $2 and o.kind = 'refund' and p.mode = $3`,
      values: [request.merchantId, id, request.mode === Mode.MODE_LIVE ? 'live' : 'test'],
    });
    return rows[0];
  });
  if (row === undefined) throw new AppError('not_found');
  return toRefundMessage(toOperation(row).operation);
}
