import type { Payment, Refund } from '@centra/proto/centra/payment/v1/payment.ts';
import type {
  ListPaymentEventsRequest,
  ListPaymentsRequest,
  ListRefundsRequest,
  PaymentEvent,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Operation } from './double-operations.ts';

type Tenant = { merchantId: string; mode: number };

/** A page of the caller's payments, newest first. */
export function listPayments(
  payments: Payment[],
  request: ListPaymentsRequest,
): { payments: Payment[]; hasMore: boolean } {
  const found = payments
    .filter((payment) => payment.merchantId === request.merchantId && payment.mode === request.mode)
    .filter((payment) => matches(payment, request))
    .filter((payment) => request.afterPaymentId === '' || payment.paymentId < request.afterPaymentId)
    .toSorted((a, b) => (a.paymentId < b.paymentId ? 1 : -1));
  return { payments: found.slice(0, request.limit), hasMore: found.length > request.limit };
}

function matches(payment: Payment, request: ListPaymentsRequest): boolean {
  const createdAt = payment.createdAt?.getTime() ?? 0;
  return (
    (request.status === 0 || payment.status === request.status) &&
    isWanted(request.bookingReference, payment.bookingReference) &&
    isWanted(request.providerReference, payment.providerReference) &&
    isWanted(request.guestEmail.toLowerCase(), payment.guest?.email.toLowerCase()) &&
    isWanted(request.cardLast4, payment.card?.last4) &&
    isWanted(request.currency, payment.amount?.currency) &&
    (request.amountMinor === 0n || payment.amount?.amountMinor === request.amountMinor) &&
    (request.captureMethod === 0 || payment.captureMethod === request.captureMethod) &&
    (request.query === '' || isFound(payment, request.query.toLowerCase())) &&
    (request.createdFrom === undefined || createdAt >= request.createdFrom.getTime()) &&
    (request.createdBefore === undefined || createdAt < request.createdBefore.getTime())
  );
}

function isWanted(wanted: string, value: string | undefined): boolean {
  return wanted === '' || wanted === value;
}

function isFound(payment: Payment, query: string): boolean {
  const parts = [payment.bookingReference, payment.guest?.name ?? '', payment.guest?.email ?? ''];
  const wholes = [payment.paymentId, payment.providerReference.toLowerCase()];
  return parts.some((part) => part.toLowerCase().includes(query)) || wholes.includes(query);
}

/** The caller's refunds, newest first. */
export function refundsOf(operations: Iterable<Operation>, caller: Tenant): Refund[] {
  return [...operations]
    .filter(({ payment }) => payment.merchantId === caller.merchantId && payment.mode === caller.mode)
    .flatMap(({ refund }) => (refund === undefined ? [] : [refund]))
    .toReversed();
}

/** A page of them. */
export function listRefunds(
  operations: Iterable<Operation>,
  request: ListRefundsRequest,
): { refunds: Refund[]; hasMore: boolean } {
  const all = refundsOf(operations, request).filter(
    ({ paymentId }) => request.paymentId === '' || paymentId === request.paymentId,
  );
  const start = all.findIndex(({ refundId }) => refundId === request.afterRefundId) + 1;
  const page = all.slice(start, start + request.limit);
  return { refunds: page, hasMore: all.length > start + request.limit };
}

/** One event for each operation that is over. */
export function listEvents(
  operations: Iterable<Operation>,
  request: ListPaymentEventsRequest,
): { events: PaymentEvent[]; hasMore: boolean } {
  const events = [...operations]
    .flatMap(({ left, kind, operationId }) =>
      left?.payment.paymentId === request.paymentId ? [{ payment: left.payment, kind, operationId }] : [],
    )
    .map(({ payment, kind, operationId }) => ({
      paymentId: payment.paymentId,
      version: payment.version,
      type: `payment.${kind.toLowerCase()}`,
      status: payment.status,
      operationId,
      origin: { actor: 'api_key:key_1', requestId: 'req_1', address: '203.0.113.7' },
      at: payment.updatedAt,
      details: { b: '1', a: '2' },
      authorizedMinor: payment.authorizedMinor,
      capturedMinor: payment.capturedMinor,
      refundedMinor: payment.refundedMinor,
    }))
    .filter(({ version }) => version > request.afterVersion);
  return { events: events.slice(0, request.limit), hasMore: events.length > request.limit };
}
