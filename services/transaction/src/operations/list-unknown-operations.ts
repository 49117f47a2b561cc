import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  ListUnknownOperationsRequest,
  ListUnknownOperationsResponse,
  UnknownOperation,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Pool, PoolClient } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asMerchant } from '../payments/as-merchant.ts';
import { toStateMessage } from '../payments/follow-up.ts';
import { PAYMENT_COLUMNS } from '../payments/payment.ts';
import type { PaymentRow } from '../payments/payment.ts';
import { OPERATION_COLUMNS, providerKeyOf, toOperation } from './operation.ts';
import type { OperationRow } from './operation.ts';

// As for payments.
const LIMIT_MAX = 100;

/** Of an operation `o` and its payment `p`: whether people may have to find out what became of it. */
export const IN_DOUBT = `(o.state = 'unknown' or (o.state = 'sent' and o.escalated_at is not null))
         and not (o.kind = 'void' and p.status in ('created', 'processing', 'requires_action'))`;

type UnknownRow = OperationRow &
  PaymentRow & {
    unknown_reason: string | null;
    due_at: Date;
    escalated_at: Date | null;
    last_tried_at: Date;
  };

/**
 * Operations whose outcome the provider has not told, oldest first, with all that a person needs to find it out: the
 * merchant's, or everybody's for the operator alone. A refund that the bank works on, or a guest at a challenge, is not in
 * doubt and not listed before it was escalated; a void that waits for the payment's own outcome never is. Refuses a limit
 * outside 1 to 100 and a cursor of another list with validation_failed.
 */
export async function listUnknownOperations(
  context: Context,
  request: ListUnknownOperationsRequest,
  call: Pick<CallContext, 'caller'>,
): Promise<ListUnknownOperationsResponse> {
  const { limit, merchantId } = request;
  if (limit < 1 || limit > LIMIT_MAX) throw invalid('limit', `is not between 1 and ${LIMIT_MAX}`);
  const after = request.afterOperationId === '' ? null : fromPublicId('op', request.afterOperationId);
  if (after === undefined) throw noCursor();
  const list = async (client: Pool | PoolClient): Promise<UnknownRow[]> =>
    await select(client, request, after);
  if (merchantId === '' && call.caller !== 'operator')
    throw new AppError('forbidden', { internal: `${call.caller} asked for the operations of all merchants` });
  const rows =
    merchantId === '' ? await list(context.pool) : await asMerchant(context.pool, merchantId, list);
  return {
    operations: rows.slice(0, limit).map((row) => toMessage(context, row)),
    hasMore: rows.length > limit,
  };
}

async function select(
  client: Pool | PoolClient,
  request: ListUnknownOperationsRequest,
  after: string | null,
): Promise<UnknownRow[]> {
  const merchantId = request.merchantId === '' ? null : request.merchantId;
  // Also when it was settled since: the page goes on from where it was.
  const cursor = after === null ? null : await readCursor(client, merchantId, after);
  const { rows } = await client.query<UnknownRow>({
    name: 'list-unknown-operations',
    text: `
      select ${OPERATION_COLUMNS}, ${PAYMENT_COLUMNS}, o.unknown_reason, o.due_at, o.escalated_at,
             -- Its first call was made when it was stored.
             coalesce(o.tried_at, o.created_at) as last_tried_at
        from operations o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
       where ${IN_DOUBT}
         and ($1::uuid is null or o.merchant_id = $1) and p.mode = $2 and (not $3 or o.escalated_at is not null)
         and ($4::text is null or (o.created_at, o.id) > ($4::text::timestamptz, $5::uuid))
       order by o.created_at, o.id limit $6`,
    values: [
      merchantId,
      request.mode === Mode.MODE_LIVE ? 'live' : 'test',
      request.escalatedOnly,
      cursor,
      after,
      request.limit + 1,
    ],
  });
  return rows;
}

/** The cursor's time, as text: a Date would cut its microseconds off. */
async function readCursor(client: Pool | PoolClient, merchantId: string | null, id: string): Promise<string> {
  const { rows } = await client.query<{ created_at: string }>({
    name: 'cursor-of-unknown-operations',
    text: `select created_at::text as created_at from operations where ($1::uuid is null or merchant_id = $1) and id = $2`,
    values: [merchantId, id],
  });
  const row = rows[0];
  if (row === undefined) throw noCursor();
  return row.created_at;
}

function noCursor(): AppError {
  return invalid('cursor', 'is not a next_cursor that we gave out');
}

function toMessage(context: Context, row: UnknownRow): UnknownOperation {
  const { operation } = toOperation(row);
  const { payment } = operation;
  return {
    operationId: toPublicId('op', operation.id),
    merchantId: operation.merchantId,
    paymentId: toPublicId('pay', payment.id),
    kind: operation.kind,
    state: toStateMessage(operation.state),
    amount: operation.money,
    provider: payment.provider,
    providerAccountId: toPublicId('pa', operation.providerAccountId),
    providerPaymentReference: payment.providerReference ?? '',
    providerReference: operation.providerReference ?? '',
    providerKey: providerKeyOf(operation.id),
    reason: row.unknown_reason ?? '',
    attempts: operation.attempt,
    createdAt: operation.createdAt,
    lastTriedAt: row.last_tried_at,
    nextTryAt: row.due_at,
    escalatedAt: row.escalated_at ?? undefined,
    bookingReference: payment.bookingReference,
    origin: { actor: operation.actor, requestId: operation.requestId, address: operation.address },
    howToFindOut: context.providers.choose(payment.provider).howToFindOut({
      mode: payment.mode,
      operationId: operation.id,
      paymentReference: payment.providerReference,
    }),
  };
}

function invalid(field: string, reason: string): AppError {
  return new AppError('validation_failed', { errors: [{ field, reason }] });
}
