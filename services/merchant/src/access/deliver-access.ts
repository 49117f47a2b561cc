import { callMetadata, callUnary, fromServiceError } from '@centra/service-kit/grpc.ts';
import type { AppError, ErrorCode } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { acrossMerchants } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';

// A person waits for the first attempt; auth answers in milliseconds.
const DEADLINE_MS = 2_000;
// Longer than an attempt can take, so that two never run side by side; shorter than people's patience after a crash.
const LEASE_MS = 10_000;
const BACKOFF_FIRST_MS = 500;
// Access that ends must end soon after auth is back.
const BACKOFF_MAX_MS = 30_000;
// Orders come one by one; after a long absence of auth this keeps one round within its lease.
const BATCH = 20;

/** One order, claimed: nobody else works on it before its lease ends. */
type Claimed = {
  seq: string;
  merchant_id: string;
  kind: 'access' | 'owner';
  suspended: boolean | null;
  user_id: string | null;
  reason: string;
  actor: string;
  request_id: string;
  attempt: number;
};

/**
 * Tells auth what is due, of one hotel or of all; the loop and everybody who ordered something run it. A hotel's orders of
 * a kind go one after the other, in the order in which they were decided. An attempt whose outcome is not known is
 * repeated: auth takes each of them twice without harm. Never throws for auth being away: the order stays.
 */
export async function deliverAccess(context: Context, merchantId?: string): Promise<{ more: boolean }> {
  const claimed = await acrossMerchants(context, (tx) => claim(tx, merchantId ?? null));
  await Promise.all(claimed.map(async (order) => await deliver(context, order)));
  return { more: claimed.length > 0 };
}

/**
 * The first attempt of what a request has just ordered, so that it is in force when the request is answered. The order is
 * durable, so that a failure here is the loop's to mend and not the caller's.
 */
export async function deliverAccessNow(context: Context, merchantId: string): Promise<void> {
  try {
    await deliverAccess(context, merchantId);
  } catch (error) {
    context.log.warn({ err: error, merchantId }, 'access is not delivered yet');
  }
}

// Only a hotel's oldest order of a kind: `suspended` and `let in again` the other way round would be the opposite.
const CLAIM = `
update access_orders as claimed
   set attempt = claimed.attempt + 1, due_at = now() + make_interval(secs => ?::float8 / 1000)
  from (select o.seq from access_orders as o
         where o.refused_at is null and o.due_at <= now() and (?::uuid is null or o.merchant_id = ?::uuid)
           and not exists (select from access_orders as earlier
                            where earlier.merchant_id = o.merchant_id and earlier.kind = o.kind
                              and earlier.seq < o.seq and earlier.refused_at is null)
         order by o.due_at limit ${BATCH} for update skip locked) as due
 where claimed.seq = due.seq
returning claimed.seq::text, claimed.merchant_id, claimed.kind, claimed.suspended, claimed.user_id, claimed.reason,
          claimed.actor, claimed.request_id, claimed.attempt`;

async function claim(tx: Transaction, merchantId: string | null): Promise<Claimed[]> {
  return await tx.execute<Claimed[]>(CLAIM, [LEASE_MS, merchantId, merchantId]);
}

async function deliver(context: Context, order: Claimed): Promise<void> {
  try {
    await tell(context, order);
  } catch (error) {
    return await putOff(context, order, fromServiceError(error));
  }
  await acrossMerchants(context, (tx) =>
    tx.execute('delete from access_orders where seq = ?::bigint and attempt = ?', [order.seq, order.attempt]),
  );
}

async function tell({ authClient }: Context, order: Claimed): Promise<void> {
  const { merchant_id: merchantId, actor, reason } = order;
  const options = { metadata: callMetadata(order.request_id), deadlineMs: DEADLINE_MS };
  if (order.kind === 'access') {
    const request = { merchantId, suspended: order.suspended === true, reason, actor };
    await callUnary(authClient.setMerchantAccess.bind(authClient), request, options);
    return;
  }
  const person = { $case: 'userId', value: toPublicId('usr', order.user_id ?? '') } as const;
  const request = { merchantId, person, role: 'owner', actor };
  await callUnary(authClient.setMember.bind(authClient), request, options);
}

// No repetition changes these answers: the person is gone, or the hotel is full.
const FINAL: ReadonlySet<ErrorCode> = new Set(['not_found', 'last_owner', 'state_conflict']);

/** Sets the next attempt; or the order aside, when auth refuses for good to make that person an owner. */
async function putOff(context: Context, order: Claimed, refusal: AppError): Promise<void> {
  const { seq, merchant_id: merchantId, attempt } = order;
  // That access ends is never given up, whatever auth says.
  const isFinal = order.kind === 'owner' && FINAL.has(refusal.code);
  const facts = { seq, merchantId, kind: order.kind, attempt, code: refusal.code };
  if (isFinal) context.log.error(facts, 'auth refused an owner for good');
  else context.log.warn(facts, 'auth did not take an order yet');
  await acrossMerchants(context, (tx) =>
    tx.execute(
      `update access_orders
          set due_at = now() + make_interval(secs => ?::float8 / 1000), last_error = ?,
              refused_at = case when ?::boolean then now() end
        where seq = ?::bigint and attempt = ?`,
      [backoffMs(attempt), refusal.code, isFinal, seq, attempt],
    ),
  );
}

/** Doubling, and half of it by chance, so that replicas and hotels do not knock together. */
function backoffMs(attempt: number): number {
  const whole = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt - 1, 16));
  return whole / 2 + (Math.random() * whole) / 2;
}
