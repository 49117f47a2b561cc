import { MerchantState } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type {
  ListMerchantsRequest,
  ListMerchantsResponse,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { acrossMerchants } from '../tenant.ts';
import { MERCHANT_COLUMNS, merchantIdSchema, toMerchant } from './merchant.ts';
import type { MerchantRow } from './merchant.ts';
import { fromStateCode } from './merchant-state.ts';

const requestSchema = z.strictObject({
  state: z.enum(MerchantState).transform((code, problem) => {
    const state = fromStateCode(code);
    if (state !== undefined) return state;
    problem.addIssue('must be a state');
    return z.NEVER;
  }),
  limit: z.int().min(1).max(100),
  afterMerchantId: z.union([z.literal(''), merchantIdSchema]),
});

// A hotel that has left the state since its page was read is no place in the list any more: then the list begins again, and
// nothing that waits is passed over.
const SELECT = `
select ${MERCHANT_COLUMNS}, (extract(epoch from m.state_changed_at) * 1000)::float8 as changed_ms
  from merchants as m
 where m.state = ?
   and (m.state_changed_at, m.merchant_id) > coalesce(
     (select (place.state_changed_at, place.merchant_id) from merchants as place
       where place.merchant_id = ?::uuid and place.state = m.state),
     ('-infinity'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid))
 order by m.state_changed_at, m.merchant_id limit ?`;

/** The hotels in one state, those that wait longest first. For the operator. */
export async function listMerchants(
  context: Context,
  request: ListMerchantsRequest,
): Promise<ListMerchantsResponse> {
  const { state, limit, afterMerchantId } = parseWith(requestSchema, request);
  const after = afterMerchantId === '' ? null : afterMerchantId;
  const rows = await acrossMerchants(context, (tx) =>
    // One more than asked tells whether there is a next page.
    tx.execute<(MerchantRow & { changed_ms: number })[]>(SELECT, [state, after, limit + 1]),
  );
  return {
    merchants: rows.slice(0, limit).map((row) => ({
      merchant: toMerchant(row),
      stateChangedAt: new Date(row.changed_ms),
    })),
    hasMore: rows.length > limit,
  };
}
