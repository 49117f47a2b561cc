import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  Dispute as DisputeMessage,
  GetDisputeRequest,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asMerchant } from '../payments/as-merchant.ts';
import { DISPUTE_COLUMNS, toDisputeMessage } from './dispute.ts';
import type { DisputeRow } from './dispute.ts';

/** One dispute of the merchant in that mode; everything else, also another merchant's, is not_found. */
export async function getDispute(context: Context, request: GetDisputeRequest): Promise<DisputeMessage> {
  const id = fromPublicId('dis', request.disputeId);
  if (id === undefined) throw new AppError('not_found');
  const row = await asMerchant(context.pool, request.merchantId, async (client) => {
    const { rows } = await client.query<DisputeRow>({
      name: 'get-dispute',
      text: `select ${DISPUTE_COLUMNS} from disputes d where d.merchant_id = $1 and d.id = $2 and d.mode = $3`,
      values: [request.merchantId, id, request.mode === Mode.MODE_LIVE ? 'live' : 'test'],
    });
    return rows[0];
  });
  if (row === undefined) throw new AppError('not_found');
  return toDisputeMessage(row);
}
