import {
  CaptureMethod,
  Initiation,
  PaymentStatus,
  RefundStatus,
} from '@centra/proto/centra/payment/v1/payment.ts';
import type { Failure, Payment, Refund } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type {
  AuthorizeRequest,
  CreatePaymentRequest,
  SaleRequest,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';

/** One operation of the double, and the record that a repeated call is answered from. */
export type Operation = {
  operationId: string;
  merchantId: string;
  fingerprint: Buffer;
  kind: string;
  payment: Payment;
  refund?: Refund;
  state: OperationState;
  failure?: Failure | undefined;
  /** As the operation left them; a repeated call tells these, whatever came later. */
  left?: { payment: Payment; refund: Refund | undefined };
  createdAt: Date;
  running: boolean;
};

type NewPayment = Omit<SaleRequest, 'cardToken' | 'returnUrl' | 'paymentId'>;

/** A payment that nothing was tried with yet. */
export function newPayment(request: NewPayment, captureMethod: CaptureMethod): Payment {
  const now = new Date();
  return {
    paymentId: toPublicId('pay', newUuid()),
    merchantId: request.merchantId,
    mode: request.mode,
    status: PaymentStatus.PAYMENT_STATUS_CREATED,
    amount: request.amount,
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    provider: 'stripe',
    providerAccountId: request.providerAccountId || 'pa_01jd0000000000000000000000',
    providerReference: '',
    card: undefined,
    bookingReference: request.bookingReference,
    guest: request.guest,
    description: request.description,
    metadata: request.metadata,
    failure: undefined,
    nextAction: undefined,
    createdAt: now,
    updatedAt: now,
    version: 1,
    captureMethod,
    authorizePendingMinor: 0n,
    capturePendingMinor: 0n,
    refundPendingMinor: 0n,
    hold: undefined,
    initiation: request.options?.initiation || Initiation.INITIATION_CUSTOMER,
    networkTransactionId: '',
    originalNetworkTransactionId: request.options?.originalNetworkTransactionId ?? '',
    quoteId: request.options?.quoteId ?? '',
    quoteHash: request.options?.quoteHash ?? '',
    cancellationReason: '',
    disputed: false,
  };
}

/** Only a payment that was created and not tried yet can be paid; each other state has its own name. */
export function requireCreated(payment: Payment): void {
  if (payment.status === PaymentStatus.PAYMENT_STATUS_CANCELED) throw new AppError('payment_canceled');
  if (payment.status !== PaymentStatus.PAYMENT_STATUS_CREATED) throw new AppError('payment_not_created');
}

/** What the bank says to a card token: see `startTransactionDouble`. */
export function decide(operation: Operation, request: SaleRequest | AuthorizeRequest): void {
  const { cardToken } = request;
  if (cardToken.startsWith('tok_succeeds')) return finish(operation, 'succeeded');
  if (cardToken.startsWith('tok_fails_')) return finish(operation, cardToken.slice('tok_fails_'.length));
  if (cardToken.startsWith('tok_challenge')) awaitGuest(operation, 'https://bank.example/challenge/1');
}

/** The guest must go somewhere first. */
export function awaitGuest(operation: Operation, redirectUrl: string): void {
  operation.payment.status = PaymentStatus.PAYMENT_STATUS_REQUIRES_ACTION;
  operation.payment.nextAction = { redirectUrl };
}

/** Ends a sale, an authorisation or a hosted payment. */
export function finish(operation: Operation, outcome: string): void {
  const { payment } = operation;
  payment.nextAction = undefined;
  payment.providerReference = `pi_${payment.paymentId}`;
  payment.card = { brand: 'visa', last4: '4242', expiryMonth: 12, expiryYear: 2030 };
  if (outcome === 'succeeded') {
    payment.authorizedMinor = payment.amount?.amountMinor ?? 0n;
    payment.networkTransactionId = 'ntx_1';
    if (payment.captureMethod === CaptureMethod.CAPTURE_METHOD_MANUAL)
      payment.hold = {
        capturableMinor: payment.authorizedMinor,
        expiresAt: new Date(Date.UTC(2027, 0, 1)),
        multipleCapture: true,
        incremental: true,
        overcaptureMinor: 0n,
      };
    else payment.capturedMinor = payment.authorizedMinor;
    payment.status = statusOfSums(payment);
  } else {
    payment.status = PaymentStatus.PAYMENT_STATUS_FAILED;
    payment.failure = { code: outcome, message: `The bank says: ${outcome}.`, retryable: true };
  }
  end(operation, outcome === 'succeeded' ? undefined : payment.failure);
}

/** What a payment's sums make of its status. */
export function statusOfSums(payment: Payment): PaymentStatus {
  const { hold, capturedMinor, refundedMinor } = payment;
  if (hold !== undefined)
    return capturedMinor === 0n
      ? PaymentStatus.PAYMENT_STATUS_AUTHORIZED
      : PaymentStatus.PAYMENT_STATUS_PARTIALLY_CAPTURED;
  if (capturedMinor === 0n) return PaymentStatus.PAYMENT_STATUS_CANCELED;
  if (refundedMinor === 0n) return PaymentStatus.PAYMENT_STATUS_SUCCEEDED;
  return refundedMinor < capturedMinor
    ? PaymentStatus.PAYMENT_STATUS_PARTIALLY_REFUNDED
    : PaymentStatus.PAYMENT_STATUS_REFUNDED;
}

/** Notes that the operation is over, and how it left the payment. */
export function end(operation: Operation, failure: Failure | undefined): void {
  const { payment, refund } = operation;
  payment.updatedAt = new Date();
  payment.version += 1;
  operation.failure = failure;
  operation.state =
    failure === undefined
      ? OperationState.OPERATION_STATE_SUCCEEDED
      : OperationState.OPERATION_STATE_DECLINED;
  operation.left = structuredClone({ payment, refund });
}

/** What a call is told: the record once the operation is over, else the payment as it is. */
export function recordOf(operation: Operation): { payment: Payment; refund: Refund | undefined } {
  const { payment, refund } = operation.left ?? operation;
  return {
    payment: { ...payment, metadata: reversed(payment.metadata) },
    refund: refund === undefined ? undefined : { ...refund, metadata: reversed(refund.metadata) },
  };
}

/** As from a database: jsonb gives keys back in an order of its own. */
function reversed(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).toReversed());
}

/** The id of a refund is its operation's. */
export function newRefund(
  operation: Operation,
  request: { reason: string; metadata: Record<string, string> },
  amountMinor: bigint,
): Refund {
  const now = new Date();
  return {
    refundId: toPublicId('re', operation.operationId),
    paymentId: operation.payment.paymentId,
    amount: { amountMinor, currency: operation.payment.amount?.currency ?? '' },
    status: RefundStatus.REFUND_STATUS_PENDING,
    reason: request.reason,
    metadata: request.metadata,
    providerReference: '',
    failure: undefined,
    createdAt: now,
    updatedAt: now,
  };
}

/** The terms of a payment that is only created, as those of one that is paid. */
export function captureMethodOf(request: CreatePaymentRequest): CaptureMethod {
  return request.captureMethod || CaptureMethod.CAPTURE_METHOD_AUTOMATIC;
}
