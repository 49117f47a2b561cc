import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  ListDisputesRequest,
  ListDisputesResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { FieldError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asMerchant } from '../payments/as-merchant.ts';
import { DISPUTE_COLUMNS, DISPUTE_STATUSES, toDisputeMessage } from './dispute.ts';
import type { DisputeRow } from './dispute.ts';

// As for payments.
const LIMIT_MAX = 100;

/** A page of the merchant's disputes, newest first, of one payment or of all. */
export async function listDisputes(
  context: Context,
  request: ListDisputesRequest,
): Promise<ListDisputesResponse> {
  const { limit, merchantId, mode, status } = request;
  const after = idOf('dis', request.afterDisputeId);
  const paymentId = idOf('pay', request.paymentId);
  const errors: FieldError[] = [
    ...(limit < 1 || limit > LIMIT_MAX
      ? [{ field: 'limit', reason: `is not between 1 and ${LIMIT_MAX}` }]
      : []),
    ...(after === undefined ? [{ field: 'cursor', reason: 'is not a cursor of ours' }] : []),
    ...(status === '' || DISPUTE_STATUSES.some((known) => known === status)
      ? []
      : [{ field: 'status', reason: `is none of ${DISPUTE_STATUSES.join(', ')}` }]),
  ];
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
  // What is no payment id is no payment's.
  if (paymentId === undefined) return { disputes: [], hasMore: false };
  const rows = await asMerchant(context.pool, merchantId, async (client) => {
    const found = await client.query<DisputeRow>({
      name: 'list-disputes',
      text: `
        select ${DISPUTE_COLUMNS} from disputes d
         where d.merchant_id = $1 and d.mode = $2
           and ($3::uuid is null or d.id < $3)
           and ($4::uuid is null or d.payment_id = $4)
           and ($5::text is null or d.status = $5)
         order by d.id desc
         limit $6`,
      values: [
        merchantId,
        mode === Mode.MODE_LIVE ? 'live' : 'test',
        after,
        paymentId,
        status === '' ? null : status,
        limit + 1,
      ],
    });
    return found.rows;
  });
  return { disputes: rows.slice(0, limit).map(toDisputeMessage), hasMore: rows.length > limit };
}

/** Null for "none was given", undefined for "no id of ours". */
function idOf(prefix: 'dis' | 'pay', id: string): string | null | undefined {
  return id === '' ? null : fromPublicId(prefix, id);
}
