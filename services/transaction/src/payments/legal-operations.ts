import { AppError } from '@centra/service-kit/errors.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import type { Status } from './payment.ts';

/** What may be asked for on an existing payment. */
export type FollowUpKind = 'authorize' | 'capture' | 'void' | 'refund' | 'adjust';

/** Which operation is legal in which status, and the name of the refusal where it is not. */
export const LEGAL_OPERATIONS: Readonly<Record<FollowUpKind, Readonly<Record<Status, 'legal' | ErrorCode>>>> =
  {
    authorize: {
      created: 'legal',
      processing: 'payment_not_created',
      requires_action: 'payment_not_created',
      authorized: 'payment_not_created',
      partially_captured: 'payment_not_created',
      succeeded: 'payment_not_created',
      partially_refunded: 'payment_not_created',
      refunded: 'payment_not_created',
      canceled: 'payment_canceled',
      failed: 'payment_has_failed',
    },
    capture: {
      created: 'payment_not_paid',
      processing: 'payment_in_progress',
      requires_action: 'payment_in_progress',
      authorized: 'legal',
      partially_captured: 'legal',
      succeeded: 'already_captured',
      partially_refunded: 'already_captured',
      refunded: 'already_captured',
      canceled: 'payment_canceled',
      failed: 'payment_has_failed',
    },
    void: {
      created: 'legal',
      // Done as soon as the outcome is known (reliability row 15).
      processing: 'legal',
      requires_action: 'legal',
      authorized: 'legal',
      // Lets go of what is not captured.
      partially_captured: 'legal',
      succeeded: 'already_captured',
      partially_refunded: 'already_captured',
      refunded: 'already_captured',
      canceled: 'payment_canceled',
      failed: 'payment_has_failed',
    },
    refund: {
      created: 'not_captured',
      processing: 'payment_in_progress',
      requires_action: 'payment_in_progress',
      authorized: 'not_captured',
      partially_captured: 'legal',
      succeeded: 'legal',
      partially_refunded: 'legal',
      refunded: 'already_refunded',
      canceled: 'payment_canceled',
      failed: 'payment_has_failed',
    },
    adjust: {
      created: 'payment_not_paid',
      processing: 'payment_in_progress',
      requires_action: 'payment_in_progress',
      authorized: 'legal',
      // No provider changes a hold that was captured from.
      partially_captured: 'already_captured',
      succeeded: 'already_captured',
      partially_refunded: 'already_captured',
      refunded: 'already_captured',
      canceled: 'payment_canceled',
      failed: 'payment_has_failed',
    },
  };

/** The refusal of an operation in that status; where it is legal, whoever was faster has changed the payment meanwhile. */
export function refusalOf(kind: FollowUpKind, status: Status): AppError {
  const verdict = LEGAL_OPERATIONS[kind][status];
  return new AppError(verdict === 'legal' ? 'state_conflict' : verdict, {
    extra: { payment_status: status },
  });
}
