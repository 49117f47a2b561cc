import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  ListPaymentEventsRequest,
  ListPaymentEventsResponse,
  PaymentEvent,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asMerchant } from './as-merchant.ts';
import { toStatusMessage } from './payment.ts';
import type { Status } from './payment.ts';

const LIMIT_MAX = 100;

type EventRow = {
  version: number;
  type: string;
  to_status: Status;
  operation_id: string;
  actor: string;
  request_id: string;
  address: string;
  details: Record<string, string>;
  at: Date;
  authorized_minor: bigint;
  captured_minor: bigint;
  refunded_minor: bigint;
};

/**
 * The timeline of a payment, oldest first: who did what, from where, and what came of it. Another merchant's payment is
 * not_found; a limit outside 1 to 100 is validation_failed.
 */
export async function listPaymentEvents(
  context: Context,
  request: ListPaymentEventsRequest,
): Promise<ListPaymentEventsResponse> {
  const { limit, merchantId, afterVersion } = request;
  if (limit < 1 || limit > LIMIT_MAX)
    throw new AppError('validation_failed', {
      errors: [{ field: 'limit', reason: `is not between 1 and ${LIMIT_MAX}` }],
    });
  const id = fromPublicId('pay', request.paymentId);
  if (id === undefined) throw new AppError('not_found');
  const mode = request.mode === Mode.MODE_LIVE ? 'live' : 'test';
  const rows = await asMerchant(context.pool, merchantId, async (client) => {
    const known = await client.query({
      name: 'payment-of-events',
      text: `select from payments where merchant_id = $1 and id = $2 and mode = $3`,
      values: [merchantId, id, mode],
    });
    if (known.rowCount === 0) throw new AppError('not_found');
    const found = await client.query<EventRow>({
      name: 'list-payment-events',
      text: `
        select version, type, to_status, operation_id, actor, request_id, address, details, at, authorized_minor,
               captured_minor, refunded_minor
          from payment_events where merchant_id = $1 and payment_id = $2 and version > $3
         order by version limit $4`,
      values: [merchantId, id, afterVersion, limit + 1],
    });
    return found.rows;
  });
  return {
    events: rows.slice(0, limit).map((row) => toMessage(request.paymentId, row)),
    hasMore: rows.length > limit,
  };
}

function toMessage(paymentId: string, row: EventRow): PaymentEvent {
  return {
    paymentId,
    version: row.version,
    type: row.type,
    status: toStatusMessage(row.to_status),
    operationId: toPublicId('op', row.operation_id),
    origin: { actor: row.actor, requestId: row.request_id, address: row.address },
    at: row.at,
    details: row.details,
    authorizedMinor: row.authorized_minor,
    capturedMinor: row.captured_minor,
    refundedMinor: row.refunded_minor,
  };
}
