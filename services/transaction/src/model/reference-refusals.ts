import { capturable, refundable, statusOf } from './reference-payment.ts';
import type { Payment } from './reference-payment.ts';

/** What may be asked for; `on` is the key with which the payment was made. No amount stands for all that is left. */
export type Request =
  | { kind: 'create' | 'sale' | 'authorize'; amount: number; manual: boolean; isCardGood: boolean }
  | { kind: 'pay' | 'void'; on: string }
  | { kind: 'capture'; on: string; amount: number | undefined; keepOpen: boolean }
  | { kind: 'refund'; on: string; amount: number | undefined }
  | { kind: 'adjust'; on: string; amount: number };
/** What is asked for on a payment that is there. */
export type FollowUp = Extract<Request, { on: string }>;

/** Why it may not be asked for, in the order in which reasons count; undefined when it may. */
export function refusalOf(request: FollowUp, payment: Payment): string | undefined {
  return refusalByStatus(request.kind, statusOf(payment)) ?? refusalBySums(request, payment);
}

function refusalByStatus(kind: FollowUp['kind'], status: string): string | undefined {
  if (status === 'canceled') return 'payment_canceled';
  if (status === 'failed') return 'payment_has_failed';
  if (kind === 'pay') return status === 'created' ? undefined : 'payment_not_created';
  if (kind === 'void' && (status === 'created' || status === 'processing')) return undefined;
  if (status === 'processing') return 'payment_in_progress';
  if (kind === 'refund') {
    if (status === 'created' || status === 'authorized') return 'not_captured';
    return status === 'refunded' ? 'already_refunded' : undefined;
  }
  if (status === 'created') return 'payment_not_paid';
  if (status === 'authorized' || (status === 'partially_captured' && kind !== 'adjust')) return undefined;
  return 'already_captured';
}

function refusalBySums(request: FollowUp, payment: Payment): string | undefined {
  const { kind } = request;
  if (kind === 'refund') {
    const left = refundable(payment);
    return left === 0 || (request.amount ?? left) > left ? 'amount_exceeds_captured' : undefined;
  }
  if (kind === 'pay') return undefined;
  if (payment.busy !== undefined) return 'operation_pending';
  if (kind === 'capture') {
    const left = capturable(payment);
    if (left === 0 || (request.amount ?? left) > left) return 'amount_exceeds_hold';
    return !request.keepOpen && payment.capturing > 0 ? 'operation_pending' : undefined;
  }
  if (payment.capturing > 0) return 'operation_pending';
  return kind === 'adjust' && request.amount === payment.authorized ? 'amount_unchanged' : undefined;
}
