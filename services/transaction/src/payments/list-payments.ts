import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  ListPaymentsRequest,
  ListPaymentsResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { CaptureMethod } from '@centra/proto/centra/payment/v1/payment.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asMerchant } from './as-merchant.ts';
import { PAYMENT_COLUMNS, statusOfMessage, toPayment, toPaymentMessage } from './payment.ts';
import type { PaymentRow } from './payment.ts';

// A page that a phone can show and a server can hold.
const LIMIT_MAX = 100;

/**
 * A page of the merchant's payments, newest first, that match every filter. Ids are UUID v7, so the order of ids is the
 * order of creation.
 */
export async function listPayments(
  context: Context,
  request: ListPaymentsRequest,
): Promise<ListPaymentsResponse> {
  const { limit, merchantId } = request;
  if (limit < 1 || limit > LIMIT_MAX) throw refused('limit', `is not between 1 and ${LIMIT_MAX}`);
  const after = request.afterPaymentId === '' ? null : fromPublicId('pay', request.afterPaymentId);
  if (after === undefined) throw refused('cursor', 'is not a cursor of ours');
  const { name, text, values } = toQuery(request, after);
  const rows = await asMerchant(context.pool, merchantId, async (client) => {
    const found = await client.query<PaymentRow>({ name, text, values });
    return found.rows;
  });
  return {
    payments: rows.slice(0, limit).map((row) => toPaymentMessage(toPayment(row))),
    hasMore: rows.length > limit,
  };
}

function refused(field: string, reason: string): AppError {
  return new AppError('validation_failed', { errors: [{ field, reason }] });
}

const FILTERS = `
       p.merchant_id = $1 and p.mode = $2
       and ($3::uuid is null or p.id < $3)
       and ($4::text is null or p.status = $4)
       and ($5::text is null or p.booking_reference = $5)
       and ($6::timestamptz is null or p.created_at >= $6)
       and ($7::timestamptz is null or p.created_at < $7)
       and ($8::text is null or p.id in (
         select r.payment_id from provider_references r where r.provider_reference = $8 and r.merchant_id = $1))
       and ($9::text is null or p.card ->> 'last4' = $9)
       and ($10::bigint is null or p.amount_minor = $10)
       and ($11::text is null or p.currency = $11)
       and ($12::text is null or p.capture_method = $12)`;
const PAGE = `
     order by p.id desc
     limit $13`;

type Query = { name: string; text: string; values: unknown[] };

function toQuery(request: ListPaymentsRequest, after: string | null): Query {
  const values = toValues(request, after);
  const email = request.guestEmail === '' ? null : `%\n${escapePattern(request.guestEmail)}`;
  if (request.query === '' && email === null)
    return {
      name: 'list-payments',
      text: `select ${PAYMENT_COLUMNS} from payments p where ${FILTERS} ${PAGE}`,
      values,
    };
  const part = request.query === '' ? '%' : `%${escapePattern(request.query)}%`;
  // A payment's id is told apart at once; as part of another text it would find nothing.
  const id = fromPublicId('pay', request.query.toLowerCase()) ?? null;
  return {
    name: 'search-payments',
    text: SEARCH,
    values: [...values, part, email ?? '%', request.query, id],
  };
}

// The two inner selects walk their indexes in the order of the page, so that the whole stops when the page is full. Offset
// 0 keeps the planner from melting them into the outer select, which reads whole rows.
const SEARCH = `
    select ${PAYMENT_COLUMNS}
      from (
        select * from (
          (select s.id from payments s
            where s.merchant_id = $1 and s.mode = $2 and ($3::uuid is null or s.id < $3)
              and s.search_text like lower($14) and s.search_text like lower($15)
            order by s.id desc)
          union all
          (select s.id from payments s
            where s.merchant_id = $1 and s.mode = $2 and (s.id = $17 or s.id in (
                select r.payment_id from provider_references r where r.provider_reference = $16 and r.merchant_id = $1))
              and not s.search_text like lower($14) and s.search_text like lower($15)
            order by s.id desc)
        ) either order by id desc offset 0
      ) found
      join payments p on p.id = found.id
     where ${FILTERS} ${PAGE}`;

function toValues(request: ListPaymentsRequest, after: string | null): unknown[] {
  return [
    request.merchantId,
    request.mode === Mode.MODE_LIVE ? 'live' : 'test',
    after,
    statusOfMessage(request.status) ?? null,
    orNull(request.bookingReference),
    request.createdFrom ?? null,
    request.createdBefore ?? null,
    orNull(request.providerReference),
    orNull(request.cardLast4),
    request.amountMinor === 0n ? null : request.amountMinor,
    orNull(request.currency),
    captureMethodWord(request.captureMethod),
    request.limit + 1,
  ];
}

/** Null, which stands for any, when it says nothing. */
function orNull(text: string): string | null {
  return text === '' ? null : text;
}

function captureMethodWord(method: CaptureMethod): string | null {
  if (method === CaptureMethod.CAPTURE_METHOD_UNSPECIFIED) return null;
  return method === CaptureMethod.CAPTURE_METHOD_MANUAL ? 'manual' : 'automatic';
}

/** Text for LIKE that stands for itself. */
function escapePattern(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`);
}
