import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { CaptureMethod, Initiation, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type {
  Dispute,
  ProviderEvent,
  UnknownOperation,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';

const PAYMENT_ID = 'pay_01jd4qv8e2f5tb3y9k7m1n6p0r';
const ACCOUNT_ID = 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d';
const EARLIER = new Date('2026-03-01T09:30:00Z');
const LATER = new Date('2026-03-01T09:31:00Z');

/** A dispute as transaction tells it. */
export function newDispute(changes: Partial<Dispute> = {}): Dispute {
  return {
    disputeId: toPublicId('dis', newUuid()),
    paymentId: PAYMENT_ID,
    amount: { amountMinor: 12_050n, currency: 'EUR' },
    status: 'open',
    providerStatus: 'needs_response',
    reason: 'fraudulent',
    providerReference: 'dp_1Example',
    evidenceDueAt: LATER,
    createdAt: EARLIER,
    updatedAt: LATER,
    inquiry: false,
    ...changes,
  };
}

/** A provider's event as transaction tells it. */
export function newEvent(changes: Partial<ProviderEvent> = {}): ProviderEvent {
  return {
    eventId: toPublicId('pev', newUuid()),
    merchantId: newUuid(),
    provider: 'stripe',
    providerAccountId: ACCOUNT_ID,
    providerEventId: 'evt_1Example',
    type: 'payment_intent.succeeded',
    state: 'unmatched',
    reason: 'no payment of ours',
    paymentId: '',
    attempts: 2,
    receivedAt: EARLIER,
    processedAt: undefined,
    objectReference: 'pi_3NqExample',
    ...changes,
  };
}

/** An operation whose outcome is not known, as transaction tells it. */
export function newUnknownOperation(changes: Partial<UnknownOperation> = {}): UnknownOperation {
  return {
    operationId: toPublicId('op', newUuid()),
    merchantId: newUuid(),
    paymentId: PAYMENT_ID,
    kind: 'capture',
    state: OperationState.OPERATION_STATE_UNKNOWN,
    amount: { amountMinor: 12_050n, currency: 'EUR' },
    provider: 'stripe',
    providerAccountId: ACCOUNT_ID,
    providerPaymentReference: 'pi_3NqExample',
    providerReference: '',
    providerKey: '0198a4c2-capture',
    reason: 'the answer was lost',
    attempts: 7,
    createdAt: EARLIER,
    lastTriedAt: LATER,
    nextTryAt: undefined,
    escalatedAt: LATER,
    bookingReference: 'BK-1',
    origin: {
      actor: 'api_key:key_01jd0000000000000000000000',
      requestId: 'req-0000-0001',
      address: '203.0.113.7',
    },
    howToFindOut: 'In the Stripe dashboard, search for the payment.',
    ...changes,
  };
}

/** The payment that such an operation is about. */
export function newOperationPayment(): Payment {
  return {
    paymentId: PAYMENT_ID,
    merchantId: newUuid(),
    mode: Mode.MODE_TEST,
    status: PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
    amount: { amountMinor: 12_050n, currency: 'EUR' },
    authorizedMinor: 12_050n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    provider: 'stripe',
    providerAccountId: ACCOUNT_ID,
    providerReference: 'pi_3NqExample',
    card: undefined,
    bookingReference: 'BK-1',
    guest: undefined,
    description: '',
    metadata: {},
    failure: undefined,
    nextAction: undefined,
    createdAt: EARLIER,
    updatedAt: LATER,
    version: 3,
    captureMethod: CaptureMethod.CAPTURE_METHOD_MANUAL,
    authorizePendingMinor: 0n,
    capturePendingMinor: 0n,
    refundPendingMinor: 0n,
    hold: undefined,
    initiation: Initiation.INITIATION_CUSTOMER,
    networkTransactionId: '',
    originalNetworkTransactionId: '',
    quoteId: '',
    quoteHash: '',
    cancellationReason: '',
    disputed: false,
  };
}
