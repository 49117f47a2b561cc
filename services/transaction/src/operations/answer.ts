import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { isFirst } from '../payments/outcome-transition.ts';
import type { Payment, Status } from '../payments/payment.ts';
import { failureOf, isFailureCode } from '../providers/failure.ts';
import type { Failure } from '../providers/failure.ts';
import type { Operation } from './operation.ts';

type StepRow = {
  version: number;
  to_status: Status;
  at: Date;
  amount_minor: bigint | null;
  authorized_minor: bigint;
  captured_minor: bigint;
  refunded_minor: bigint;
  authorize_pending_minor: bigint;
  capture_pending_minor: bigint;
  refund_pending_minor: bigint;
  hold_open: boolean;
  hold_expires_at: Date | null;
  disputed: boolean;
  hold_multiple_capture: boolean;
  hold_incremental: boolean;
  overcapture_minor: bigint;
  failure_code: string | null;
};

/**
 * The payment as the operation left it, also when it has changed since: a repeated request is answered like the first time,
 * byte for byte. While the operation is open: the payment as it stands.
 */
export async function paymentAsAnswered(
  context: Pick<Context, 'pool'>,
  operation: Operation,
): Promise<Payment> {
  const { payment } = operation;
  if (operation.state !== 'succeeded' && operation.state !== 'declined') return payment;
  const step = await readBack(async () => await stepOf(context, operation));
  // Steps of before sums were kept in the history; and a void that ended because there was nothing left to release.
  if (step === undefined || step.amount_minor === null || step.version === payment.version) return payment;
  return {
    ...payment,
    status: step.to_status,
    version: step.version,
    updatedAt: step.at,
    money: { ...payment.money, amountMinor: step.amount_minor },
    authorizedMinor: step.authorized_minor,
    capturedMinor: step.captured_minor,
    refundedMinor: step.refunded_minor,
    authorizePendingMinor: step.authorize_pending_minor,
    capturePendingMinor: step.capture_pending_minor,
    refundPendingMinor: step.refund_pending_minor,
    hold: step.hold_open
      ? {
          expiresAt: step.hold_expires_at ?? undefined,
          multipleCapture: step.hold_multiple_capture,
          incremental: step.hold_incremental,
          overcaptureMinor: step.overcapture_minor,
        }
      : undefined,
    disputed: step.disputed,
    failure: step.to_status === 'failed' ? failureOfStep(step, operation) : undefined,
    cancellationReason: step.to_status === 'canceled' ? payment.cancellationReason : undefined,
    redirectUrl: undefined,
    // A payment that was only registered had met no provider.
    ...(step.to_status === 'created' ? NOT_ASKED : {}),
  };
}

/**
 * Reads what was done, or may have been. Where the database cannot be asked, 503 would say that nothing was: whoever hears it
 * may take another key. Refuses with in_progress instead, since the same key will tell.
 */
export async function readBack<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    throw new AppError('in_progress', { retryAfterSeconds: 1, cause: error });
  }
}

const NOT_ASKED = { providerReference: undefined, card: undefined, networkTransactionId: undefined } as const;

/**
 * Why the payment failed then. Its last attempt may be a retry, with another reason than the operation that was asked for;
 * and what is collected late leaves no failure in the operation.
 */
function failureOfStep({ failure_code: code }: StepRow, operation: Operation): Failure | undefined {
  return code !== null && isFailureCode(code) ? failureOf(code) : operation.failure;
}

/** The step that answered it: of a sale or authorisation the first settled one, of what follows the operation's own. */
async function stepOf(context: Pick<Context, 'pool'>, operation: Operation): Promise<StepRow | undefined> {
  const { rows } = await context.pool.query<StepRow>({
    name: isFirst(operation) ? 'step-of-charge' : 'step-of-follow-up',
    text: `
      select e.version, e.to_status, e.at, e.amount_minor, e.authorized_minor, e.captured_minor, e.refunded_minor,
             e.authorize_pending_minor, e.capture_pending_minor, e.refund_pending_minor, e.hold_open, e.hold_expires_at,
             e.disputed, e.details->>'failure' as failure_code, coalesce(e.hold_multiple_capture, p.hold_multiple_capture) as hold_multiple_capture,
             coalesce(e.hold_incremental, p.hold_incremental) as hold_incremental,
             coalesce(e.overcapture_minor, p.overcapture_minor) as overcapture_minor
        from payment_events e join payments p on p.merchant_id = e.merchant_id and p.id = e.payment_id
       where e.merchant_id = $1 and e.payment_id = $2 and ${
         isFirst(operation)
           ? `e.to_status not in ('created', 'processing', 'requires_action') and $3::uuid is not null
              order by e.version limit 1`
           : `e.operation_id = $3::uuid and e.type not like '%\\_requested' order by e.version limit 1`
       }`,
    values: [operation.merchantId, operation.payment.id, operation.id],
  });
  return rows[0];
}
