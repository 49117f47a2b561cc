import { status as grpcStatus } from '@grpc/grpc-js';
import { CaptureMethod, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import {
  OperationState,
  TransactionServiceService,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type {
  AuthorizeRequest,
  CaptureSession,
  FollowUp,
  SaleRequest,
  TransactionServiceServer,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { testTls } from '@centra/testkit/test-tls.ts';
import { newOperatorsDouble, operatorsMethods } from './double-operators.ts';
import type { OperatorsDouble } from './double-operators.ts';
import { planAdjust, planCapture, planRefund, planVoid } from './double-follow-ups.ts';
import type { FollowUpOutcome, Plan } from './double-follow-ups.ts';
import { listEvents, listPayments, listRefunds, refundsOf } from './double-lists.ts';
import {
  awaitGuest,
  captureMethodOf,
  decide,
  end,
  finish,
  newPayment,
  recordOf,
  requireCreated,
} from './double-operations.ts';
import type { Operation } from './double-operations.ts';

/** What one scripted call does instead of being answered honestly; the operation itself still runs. */
export type Fault = 'cut-after-commit' | 'never-answer' | AppError;

/** A call that moves money, as it arrived. */
export type OperationCall = { rpc: string; operationId: string; request: object };

export type TransactionDouble = {
  address: string;
  port: number;
  /** Every Sale that arrived, repeats included. */
  saleCalls: SaleRequest[];
  /** Every call that moves money, sales and repeats included. */
  calls: OperationCall[];
  /** Every operation that began: what a provider would have been asked. */
  operations: Map<string, Operation>;
  /** What the next calls do, first one first. */
  faults: Fault[];
  /** What a provider makes of the next captures, voids, adjustments and refunds, first one first; else they succeed. */
  outcomes: FollowUpOutcome[];
  /** What staff, providers and the simulator's guests see. */
  operators: OperatorsDouble;
  /** While set, operations wait for it after they are recorded. */
  gate: Promise<void> | undefined;
  /** Ends a payment that was processing or waiting for the guest. */
  settle(paymentId: string, outcome: 'succeeded' | 'insufficient_funds'): void;
  /** Ends the one operation on the payment that is still open. */
  settleFollowUp(paymentId: string, outcome: 'succeeded' | 'declined'): void;
  /** The payment as it is now, to be changed by a test. */
  paymentOf(paymentId: string): Payment;
  close(): Promise<void>;
};

const REFUSED_AFTER_MS = 30 * 24 * 3_600_000;

/** What all requests that move money carry. */
type Keyed = Pick<FollowUp, 'operationId' | 'merchantId' | 'mode' | 'requestFingerprint'>;

/**
 * Test only: keeps transaction's contract (proto/centra/transaction/v1) in memory: operation ids, fingerprints, calls
 * under way, tenants and modes, sums and their refusals. The card token says what the bank answers: `tok_succeeds`,
 * `tok_processing`, `tok_challenge`, or `tok_fails_<failure code>`.
 */
export async function startTransactionDouble(port = 0): Promise<TransactionDouble> {
  const shared = {
    log: createLog('transaction-double', 'fatal'),
    metrics: createMetrics('transaction-double'),
    callers: ['payment-api'],
  };
  const plans = new Map<string, Plan>();
  const world: World = {
    payments: new Map(),
    cut: () => listening.server.drain(`127.0.0.1:${listening.port}`, 0),
    plans,
  };
  const named = (name: string) => ({ ...shared, name });
  const pay = (rpc: 'Sale' | 'Authorize') => async (request: SaleRequest | AuthorizeRequest) => {
    if (rpc === 'Sale') double.saleCalls.push(request);
    const { operation, replayed } = await operate(double, world, rpc, request, request, (begin) => {
      begin(payableOf(world, rpc, request)).payment.status = PaymentStatus.PAYMENT_STATUS_PROCESSING;
      return (begun) => decide(begun, request);
    });
    return { payment: recordOf(operation).payment, replayed, operationCreatedAt: operation.createdAt };
  };
  const followUp = async <R extends { followUp?: FollowUp | undefined }>(
    rpc: string,
    request: R,
    plan: (payment: Payment, request: R) => Plan & { begin?(operation: Operation): void },
  ) => {
    const { followUp: keyed } = request;
    if (keyed === undefined) throw new Error('a follow-up without its head');
    const { operation, replayed } = await operate(double, world, rpc, keyed, request, (begin) => {
      const payment = ownPayment(world, keyed, keyed.paymentId);
      const planned = plan(payment, request);
      const begun = begin(payment);
      planned.begin?.(begun);
      plans.set(begun.operationId, planned);
      return () => planned.settle(begun, double.outcomes.shift() ?? 'succeeded');
    });
    const { state, failure } = operation;
    return { ...recordOf(operation), state, failure, replayed };
  };
  const operators = newOperatorsDouble();
  const implementation: TransactionServiceServer = {
    ...notAsked(),
    ...operatorsMethods(operators, shared),
    sale: unary(named('Sale'), pay('Sale')),
    authorize: unary(named('Authorize'), pay('Authorize')),
    createPayment: unary(named('CreatePayment'), async (request) => {
      const { operation, replayed } = await operate(
        double,
        world,
        'CreatePayment',
        request,
        request,
        (begin) => {
          begin(newPayment(request, captureMethodOf(request)));
          return (begun) => end(begun, undefined);
        },
      );
      return { payment: recordOf(operation).payment, replayed };
    }),
    initiate: unary(named('Initiate'), async (request) => {
      const { operation, replayed } = await operate(double, world, 'Initiate', request, request, (begin) => {
        begin(newPayment(request, captureMethodOf({ ...request })));
        return (begun) => awaitGuest(begun, 'https://provider.example/pay/1');
      });
      return { payment: recordOf(operation).payment, replayed };
    }),
    capture: unary(named('Capture'), async (request) => await followUp('Capture', request, planCapture)),
    void: unary(named('Void'), async (request) => await followUp('Void', request, planVoid)),
    adjust: unary(named('Adjust'), async (request) => await followUp('Adjust', request, planAdjust)),
    refund: unary(named('Refund'), async (request) => await followUp('Refund', request, planRefund)),
    getPayment: unary(named('GetPayment'), async (request) => ownPayment(world, request, request.paymentId)),
    listPayments: unary(named('ListPayments'), async (request) =>
      listPayments([...world.payments.values()], request),
    ),
    getRefund: unary(named('GetRefund'), async (request) => {
      const refund = refundsOf(double.operations.values(), request).find(
        (each) => each.refundId === request.refundId,
      );
      if (refund === undefined) throw new AppError('not_found');
      return refund;
    }),
    listRefunds: unary(named('ListRefunds'), async (request) =>
      listRefunds(double.operations.values(), request),
    ),
    listPaymentEvents: unary(named('ListPaymentEvents'), async (request) => {
      ownPayment(world, request, request.paymentId);
      return listEvents(double.operations.values(), request);
    }),
    createCaptureSession: unary(named('CreateCaptureSession'), async () => {
      const fault = double.faults.shift();
      if (fault instanceof AppError) throw fault;
      if (fault === 'never-answer') await new Promise<never>(() => {});
      return captureSession();
    }),
  };
  const listening = await listenGrpc([{ definition: TransactionServiceService, implementation }], {
    host: '127.0.0.1',
    port,
    tls: testTls('transaction'),
  });
  const double: TransactionDouble = {
    address: `127.0.0.1:${listening.port}`,
    port: listening.port,
    saleCalls: [],
    calls: [],
    operations: new Map(),
    faults: [],
    operators,
    outcomes: [],
    gate: undefined,
    settle(paymentId, outcome) {
      finish(openOperation(double, paymentId), outcome);
    },
    settleFollowUp(paymentId, outcome) {
      const operation = openOperation(double, paymentId);
      plans.get(operation.operationId)?.settle(operation, outcome);
    },
    paymentOf(paymentId) {
      const payment = world.payments.get(paymentId);
      if (payment === undefined) throw new Error('no such payment');
      return payment;
    },
    async close() {
      // Calls that were scripted never to be answered would hold up a polite shutdown.
      listening.server.forceShutdown();
      await listening.close();
    },
  };
  return double;
}

type World = { payments: Map<string, Payment>; plans: Map<string, Plan>; cut: () => void };
type Begin = (payment: Payment) => Operation;

/** One operation: scripted faults, the record of earlier calls, and `start`, which throws refusals before it begins. */
async function operate(
  double: TransactionDouble,
  world: World,
  kind: string,
  keyed: Keyed,
  request: object,
  start: (begin: Begin) => (operation: Operation) => void,
): Promise<{ operation: Operation; replayed: boolean }> {
  double.calls.push({ rpc: kind, operationId: keyed.operationId, request });
  const fault = double.faults.shift();
  if (fault instanceof AppError) throw fault;
  const answer = await runOrReplay(double, world, kind, keyed, start);
  if (fault === 'cut-after-commit') world.cut();
  if (fault !== undefined) await new Promise<never>(() => {});
  return answer;
}

async function runOrReplay(
  double: TransactionDouble,
  world: World,
  kind: string,
  keyed: Keyed,
  start: (begin: Begin) => (operation: Operation) => void,
): Promise<{ operation: Operation; replayed: boolean }> {
  const { merchantId, operationId, requestFingerprint: fingerprint } = keyed;
  const id = `${merchantId} ${operationId}`;
  const known = double.operations.get(id);
  if (known !== undefined) return { operation: requireSame(known, fingerprint), replayed: true };
  let operation: Operation | undefined;
  const settle = start((payment) => {
    const state = OperationState.OPERATION_STATE_SENT;
    const createdAt = new Date();
    operation = { operationId, merchantId, fingerprint, kind, payment, state, createdAt, running: true };
    double.operations.set(id, operation);
    world.payments.set(payment.paymentId, payment);
    return operation;
  });
  if (operation === undefined) throw new Error('an operation did not begin');
  // A bank takes its time; without this no two calls would ever meet.
  await (double.gate ?? new Promise((resolve) => setTimeout(resolve, 5)));
  settle(operation);
  operation.running = false;
  return { operation, replayed: false };
}

function requireSame(known: Operation, fingerprint: Buffer): Operation {
  if (!known.fingerprint.equals(fingerprint)) throw new AppError('idempotency_key_reused');
  if (Date.now() - known.createdAt.getTime() > REFUSED_AFTER_MS)
    throw new AppError('idempotency_key_expired', { extra: { payment_id: known.payment.paymentId } });
  if (known.running) throw new AppError('in_progress');
  return known;
}

/** The payment that is to be paid: a new one, or one that was created before. */
function payableOf(world: World, rpc: string, request: SaleRequest | AuthorizeRequest): Payment {
  const { CAPTURE_METHOD_AUTOMATIC, CAPTURE_METHOD_MANUAL } = CaptureMethod;
  const method = rpc === 'Sale' ? CAPTURE_METHOD_AUTOMATIC : CAPTURE_METHOD_MANUAL;
  if (request.paymentId === '') return newPayment(request, method);
  const payment = ownPayment(world, request, request.paymentId);
  requireCreated(payment);
  if (payment.captureMethod !== method) throw new Error(`${rpc} was asked of a payment of the other kind`);
  return payment;
}

function ownPayment(world: World, caller: Pick<Keyed, 'merchantId' | 'mode'>, paymentId: string): Payment {
  const payment = world.payments.get(paymentId);
  if (payment?.merchantId !== caller.merchantId || payment.mode !== caller.mode)
    throw new AppError('not_found');
  return payment;
}

function openOperation(double: TransactionDouble, paymentId: string): Operation {
  const open = [...double.operations.values()].filter(
    ({ payment, left }) => payment.paymentId === paymentId && left === undefined,
  );
  if (open.length !== 1 || open[0] === undefined) throw new Error(`${open.length} open operations`);
  return open[0];
}

function refuse(_call: unknown, callback: (error: { code: number }) => void): void {
  callback({ code: grpcStatus.PERMISSION_DENIED });
}

/** What no test of payments asks. */
function notAsked() {
  return {
    checkProviderCredentials: refuse,
    countAccountUse: refuse,
  };
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
