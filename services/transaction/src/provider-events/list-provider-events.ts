import type {
  ListProviderEventsRequest,
  ListProviderEventsResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Pool, PoolClient } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asMerchant } from '../payments/as-merchant.ts';
import { EVENT_STATES, modeOf, PROVIDER_EVENT_COLUMNS, toProviderEventMessage } from './provider-event.ts';
import type { ProviderEventRow } from './provider-event.ts';

// As for payments.
const LIMIT_MAX = 100;

/** A page of stored provider events, newest first: the merchant's, or everybody's for the operator alone. */
export async function listProviderEvents(
  context: Context,
  request: ListProviderEventsRequest,
  call: Pick<CallContext, 'caller'>,
): Promise<ListProviderEventsResponse> {
  const { limit, merchantId } = request;
  if (limit < 1 || limit > LIMIT_MAX)
    throw new AppError('validation_failed', {
      errors: [{ field: 'limit', reason: `is not between 1 and ${LIMIT_MAX}` }],
    });
  const after = request.afterEventId === '' ? null : fromPublicId('pev', request.afterEventId);
  if (after === undefined)
    throw new AppError('validation_failed', {
      errors: [{ field: 'cursor', reason: 'is not a cursor of ours' }],
    });
  if (request.state !== '' && !EVENT_STATES.some((state) => state === request.state))
    throw new AppError('validation_failed', {
      errors: [{ field: 'state', reason: `is none of ${EVENT_STATES.join(', ')}` }],
    });
  if (merchantId === '' && call.caller !== 'operator')
    throw new AppError('forbidden', { internal: `${call.caller} asked for all merchants' events` });
  const find = async (client: Pool | PoolClient): Promise<ProviderEventRow[]> =>
    await selectPage(client, request, after);
  const rows =
    merchantId === '' ? await find(context.pool) : await asMerchant(context.pool, merchantId, find);
  return { events: rows.slice(0, limit).map(toProviderEventMessage), hasMore: rows.length > limit };
}

async function selectPage(
  client: Pool | PoolClient,
  request: ListProviderEventsRequest,
  after: string | null,
): Promise<ProviderEventRow[]> {
  const { rows } = await client.query<ProviderEventRow>({
    name: 'list-provider-events',
    text: `
      select ${PROVIDER_EVENT_COLUMNS} from provider_events e
       where ($1::uuid is null or e.merchant_id = $1) and e.mode = $2
         and ($3::uuid is null or e.id < $3)
         and ($4::text is null or e.state = $4)
       order by e.id desc
       limit $5`,
    values: [
      request.merchantId === '' ? null : request.merchantId,
      modeOf(request.mode),
      after,
      request.state === '' ? null : request.state,
      request.limit + 1,
    ],
  });
  return rows;
}
