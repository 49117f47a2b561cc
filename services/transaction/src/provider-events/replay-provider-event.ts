import type {
  ProviderEvent as ProviderEventMessage,
  ReplayProviderEventRequest,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { modeOf, PROVIDER_EVENT_COLUMNS, toProviderEventMessage } from './provider-event.ts';
import type { ProviderEventRow } from './provider-event.ts';

/**
 * Has one stored event processed again, whatever became of it: due now, with 72 new hours, and who asked for it on record.
 * Whoever works on it meanwhile concludes nothing any more. Refuses with not_found.
 */
export async function replayProviderEvent(
  context: Context,
  request: ReplayProviderEventRequest,
): Promise<ProviderEventMessage> {
  const id = fromPublicId('pev', request.eventId);
  if (id === undefined) throw new AppError('not_found');
  const { rows } = await context.pool.query<ProviderEventRow>({
    name: 'replay-provider-event',
    text: `
      with before as (
        select merchant_id, id, attempts, state, reason from provider_events
         where merchant_id = $1 and id = $2 and mode = $3 for update
      ), replay as (
        insert into provider_event_replays (merchant_id, event_id, attempts, from_state, from_reason, actor, request_id, address)
        select merchant_id, id, attempts, state, reason, $4, $5, $6 from before
      )
      update provider_events e
         set state = 'received', reason = 'to be processed again', due_at = now(), waiting_since = now(),
             replays = e.replays + 1, processed_at = null, differs_since = null, hastened = '{}', hastened_at = null
        from before where e.merchant_id = before.merchant_id and e.id = before.id
      returning ${PROVIDER_EVENT_COLUMNS}`,
    values: [
      request.merchantId,
      id,
      modeOf(request.mode),
      request.origin?.actor ?? '',
      request.origin?.requestId ?? '',
      request.origin?.address ?? '',
    ],
  });
  const row = rows[0];
  if (row === undefined) throw new AppError('not_found');
  context.log.info(
    {
      merchantId: row.merchant_id,
      eventId: row.id,
      actor: request.origin?.actor,
      requestId: request.origin?.requestId,
    },
    'a provider event is processed again',
  );
  return toProviderEventMessage(row);
}
