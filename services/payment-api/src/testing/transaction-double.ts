import { status as grpcStatus } from '@grpc/grpc-js';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { TransactionServiceService } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type {
  CaptureSession,
  ListPaymentsRequest,
  SaleRequest,
  SaleResponse,
  TransactionServiceServer,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Verifier } from '@centra/service-kit/service-identity.ts';

export type Operation = { sale: SaleRequest; payment: Payment; createdAt: Date; running: boolean };

/** What one scripted call does instead of being answered honestly; the sale itself still runs. */
export type Fault = 'cut-after-commit' | 'never-answer' | AppError;

export type TransactionDouble = {
  address: string;
  port: number;
  /** Every Sale that arrived, repeats included. */
  saleCalls: SaleRequest[];
  /** Every operation that began: what a provider would have been asked. */
  operations: Map<string, Operation>;
  /** What the next calls do, first one first. */
  faults: Fault[];
  /** While set, sales wait for it after they are recorded. */
  gate: Promise<void> | undefined;
  /** Ends a payment that was processing or waiting for the guest. */
  settle(paymentId: string, outcome: 'succeeded' | 'insufficient_funds'): void;
  close(): Promise<void>;
};

const REFUSED_AFTER_MS = 30 * 24 * 3_600_000;

/**
 * Test only: keeps transaction's contract (proto/centra/transaction/v1) in memory: operation ids, fingerprints, calls
 * under way, tenants and modes. The card token says what the bank answers: `tok_succeeds`, `tok_processing`,
 * `tok_challenge`, or `tok_fails_<failure code>`.
 */
export async function startTransactionDouble(verifier: Verifier, port = 0): Promise<TransactionDouble> {
  const options = {
    log: createLog('transaction-double', 'fatal'),
    metrics: createMetrics('transaction-double'),
    verifier,
    callers: ['payment-api'],
  };
  const implementation: TransactionServiceServer = {
    sale: unary(
      { ...options, name: 'Sale' },
      async (sale: SaleRequest) => await answerSale(double, sale, cut),
    ),
    getPayment: unary({ ...options, name: 'GetPayment' }, async ({ merchantId, mode, paymentId }) => {
      const payment = paymentsOf(double).find((each) => each.paymentId === paymentId);
      if (payment?.merchantId !== merchantId || payment.mode !== mode) throw new AppError('not_found');
      return payment;
    }),
    listPayments: unary({ ...options, name: 'ListPayments' }, async (request) =>
      list(paymentsOf(double), request),
    ),
    createCaptureSession: unary({ ...options, name: 'CreateCaptureSession' }, async () => {
      const fault = double.faults.shift();
      if (fault instanceof AppError) throw fault;
      if (fault === 'never-answer') await new Promise<never>(() => {});
      return captureSession();
    }),
    checkProviderCredentials(_call, callback) {
      callback({ code: grpcStatus.PERMISSION_DENIED });
    },
  };
  const listening = await listenGrpc([{ definition: TransactionServiceService, implementation }], {
    host: '127.0.0.1',
    port,
  });
  const cut = (): void => listening.server.drain(`127.0.0.1:${listening.port}`, 0);
  const double: TransactionDouble = {
    address: `127.0.0.1:${listening.port}`,
    port: listening.port,
    saleCalls: [],
    operations: new Map(),
    faults: [],
    gate: undefined,
    settle(paymentId, outcome) {
      const payment = paymentsOf(double).find((each) => each.paymentId === paymentId);
      if (payment === undefined) throw new Error('no such payment');
      finish(payment, outcome);
    },
    async close() {
      // Calls that were scripted never to be answered would hold up a polite shutdown.
      listening.server.forceShutdown();
      await listening.close();
    },
  };
  return double;
}

async function answerSale(
  double: TransactionDouble,
  sale: SaleRequest,
  cut: () => void,
): Promise<SaleResponse> {
  double.saleCalls.push(sale);
  const fault = double.faults.shift();
  if (fault instanceof AppError) throw fault;
  const answer = await runSale(double, sale);
  if (fault === 'cut-after-commit') cut();
  if (fault !== undefined) await new Promise<never>(() => {});
  return answer;
}

async function runSale(double: TransactionDouble, sale: SaleRequest): Promise<SaleResponse> {
  const id = `${sale.merchantId} ${sale.operationId}`;
  const known = double.operations.get(id);
  if (known !== undefined) return replay(known, sale);
  const operation: Operation = { sale, payment: begin(sale), createdAt: new Date(), running: true };
  double.operations.set(id, operation);
  // A bank takes its time; without this no two calls would ever meet.
  await (double.gate ?? new Promise((resolve) => setTimeout(resolve, 5)));
  decide(operation.payment, sale.cardToken);
  operation.running = false;
  return { payment: operation.payment, replayed: false, operationCreatedAt: operation.createdAt };
}

function replay(known: Operation, sale: SaleRequest): SaleResponse {
  if (!known.sale.requestFingerprint.equals(sale.requestFingerprint))
    throw new AppError('idempotency_key_reused');
  if (Date.now() - known.createdAt.getTime() > REFUSED_AFTER_MS)
    throw new AppError('idempotency_key_expired', { extra: { payment_id: known.payment.paymentId } });
  if (known.running) throw new AppError('in_progress');
  // As from a database: jsonb gives keys back in an order of its own.
  const metadata = Object.fromEntries(Object.entries(known.payment.metadata).toReversed());
  return { payment: { ...known.payment, metadata }, replayed: true, operationCreatedAt: known.createdAt };
}

function begin(sale: SaleRequest): Payment {
  const now = new Date();
  return {
    paymentId: toPublicId('pay', newUuid()),
    merchantId: sale.merchantId,
    mode: sale.mode,
    status: PaymentStatus.PAYMENT_STATUS_PROCESSING,
    amount: sale.amount,
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    provider: 'stripe',
    providerAccountId: sale.providerAccountId || 'pa_01jd0000000000000000000000',
    providerReference: '',
    card: undefined,
    bookingReference: sale.bookingReference,
    guest: sale.guest,
    description: sale.description,
    metadata: sale.metadata,
    failure: undefined,
    nextAction: undefined,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
}

function decide(payment: Payment, cardToken: string): void {
  if (cardToken.startsWith('tok_succeeds')) return finish(payment, 'succeeded');
  if (cardToken.startsWith('tok_fails_')) return finish(payment, cardToken.slice('tok_fails_'.length));
  if (!cardToken.startsWith('tok_challenge')) return;
  payment.status = PaymentStatus.PAYMENT_STATUS_REQUIRES_ACTION;
  payment.nextAction = { redirectUrl: 'https://bank.example/challenge/1' };
}

function finish(payment: Payment, outcome: string): void {
  const collected = outcome === 'succeeded';
  payment.status = collected ? PaymentStatus.PAYMENT_STATUS_SUCCEEDED : PaymentStatus.PAYMENT_STATUS_FAILED;
  payment.authorizedMinor = collected ? (payment.amount?.amountMinor ?? 0n) : 0n;
  payment.capturedMinor = payment.authorizedMinor;
  payment.failure = collected
    ? undefined
    : { code: outcome, message: `The bank says: ${outcome}.`, retryable: true };
  payment.nextAction = undefined;
  payment.providerReference = 'pi_3NqExample';
  payment.card = { brand: 'visa', last4: '4242', expiryMonth: 12, expiryYear: 2030 };
  payment.updatedAt = new Date();
  payment.version += 1;
}

function paymentsOf(double: TransactionDouble): Payment[] {
  return [...double.operations.values()].map((operation) => operation.payment);
}

function list(payments: Payment[], request: ListPaymentsRequest): { payments: Payment[]; hasMore: boolean } {
  const found = payments
    .filter((payment) => payment.merchantId === request.merchantId && payment.mode === request.mode)
    .filter((payment) => request.status === 0 || payment.status === request.status)
    .filter(
      (payment) => request.bookingReference === '' || payment.bookingReference === request.bookingReference,
    )
    .filter(
      (payment) => request.createdFrom === undefined || timeOf(payment) >= request.createdFrom.getTime(),
    )
    .filter(
      (payment) => request.createdBefore === undefined || timeOf(payment) < request.createdBefore.getTime(),
    )
    .filter((payment) => request.afterPaymentId === '' || payment.paymentId < request.afterPaymentId)
    .toSorted((a, b) => (a.paymentId < b.paymentId ? 1 : -1));
  return { payments: found.slice(0, request.limit), hasMore: found.length > request.limit };
}

function timeOf(payment: Payment): number {
  return payment.createdAt?.getTime() ?? 0;
}

function captureSession(): CaptureSession {
  return {
    vault: 'vaultera',
    sessionToken: `st_${newUuid()}`,
    iframeUrl: 'https://pci.vaultera.co/api/v1/capture_form?session_token=st_1',
    iframeOrigin: 'https://pci.vaultera.co',
    expiresAt: new Date(Date.now() + 900_000),
  };
}
