import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { Payment as PaymentMessage } from '@centra/proto/centra/payment/v1/payment.ts';
import type { GetPaymentRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asMerchant } from './as-merchant.ts';
import { PAYMENT_COLUMNS, toPayment, toPaymentMessage } from './payment.ts';
import type { PaymentRow } from './payment.ts';

/** One payment of the merchant in that mode; everything else, also another merchant's, is not_found. */
export async function getPayment(context: Context, request: GetPaymentRequest): Promise<PaymentMessage> {
  const id = fromPublicId('pay', request.paymentId);
  if (id === undefined) throw new AppError('not_found');
  const row = await asMerchant(context.pool, request.merchantId, async (client) => {
    const { rows } = await client.query<PaymentRow>({
      name: 'get-payment',
      text: `select ${PAYMENT_COLUMNS} from payments p where p.merchant_id = $1 and p.id = $2 and p.mode = $3`,
      values: [request.merchantId, id, request.mode === Mode.MODE_LIVE ? 'live' : 'test'],
    });
    return rows[0];
  });
  if (row === undefined) throw new AppError('not_found');
  return toPaymentMessage(toPayment(row));
}
