import { createHash, randomUUID } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { Money } from '@centra/proto/centra/money/v1/money.ts';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { TransactionServiceClient } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type {
  AdjustRequest,
  AdjustResponse,
  AuthorizeRequest,
  AuthorizeResponse,
  CaptureRequest,
  CaptureResponse,
  CreatePaymentRequest,
  CreatePaymentResponse,
  FollowUp,
  InitiateRequest,
  InitiateResponse,
  RefundRequest,
  RefundResponse,
  SaleRequest,
  SaleResponse,
  VoidRequest,
  VoidResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { AppError } from '@centra/service-kit/errors.ts';
import { callMetadata, callUnary, fromServiceError, isServiceError } from '@centra/service-kit/grpc.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { clientAs } from '@centra/testkit/test-tls.ts';
import type { Config } from '../config.ts';
import type { Context } from '../context.ts';
import { startTransaction } from '../service.ts';
import type { Hotel, World } from './world.ts';

/** The service in this process, called over real gRPC. */
export type TestService = {
  context: Context;
  /** Payment-api's. */
  client: TransactionServiceClient;
  /** Another caller's; closed with the service. */
  clientOf(caller: string): TransactionServiceClient;
  sale(request: SaleRequest, caller?: string): Promise<SaleResponse>;
  authorize(request: AuthorizeRequest, caller?: string): Promise<AuthorizeResponse>;
  createPayment(request: CreatePaymentRequest, caller?: string): Promise<CreatePaymentResponse>;
  initiate(request: InitiateRequest, caller?: string): Promise<InitiateResponse>;
  capture(request: CaptureRequest, caller?: string): Promise<CaptureResponse>;
  voidPayment(request: VoidRequest, caller?: string): Promise<VoidResponse>;
  refund(request: RefundRequest, caller?: string): Promise<RefundResponse>;
  adjust(request: AdjustRequest, caller?: string): Promise<AdjustResponse>;
  get(hotel: Hotel, paymentId: string): Promise<Payment>;
  /** Waits for a status that is not processing or requires_action. */
  settled(hotel: Hotel, paymentId: string): Promise<Payment>;
  close(): Promise<void>;
};

// Far above the longest call of any test on a loaded machine.
const DEADLINE_MS = 60_000;

export async function startTestService(
  world: World,
  change: Partial<Config> = {},
  overrides: Partial<Context> = {},
  log: Logger = createLog('transaction', 'silent'),
): Promise<TestService> {
  const service = await startTransaction(world.config(change), log, overrides);
  const clients = new Map<string, TransactionServiceClient>();
  const clientOf = (caller = 'payment-api'): TransactionServiceClient => {
    const address = `localhost:${service.grpcPort}`;
    const made = clients.get(caller) ?? clientAs(caller, TransactionServiceClient, address, 'transaction');
    clients.set(caller, made);
    return made;
  };
  const client = clientOf();
  const get = async (hotel: Hotel, paymentId: string): Promise<Payment> =>
    await callUnary(
      client.getPayment.bind(client),
      { merchantId: hotel.merchantId, mode: Mode.MODE_TEST, paymentId },
      callOptions(),
    );
  return {
    context: service.context,
    client,
    clientOf,
    sale: async (request, caller) => {
      const as = clientOf(caller);
      return await callUnary(as.sale.bind(as), request, callOptions());
    },
    authorize: async (request, caller) => {
      const as = clientOf(caller);
      return await callUnary(as.authorize.bind(as), request, callOptions());
    },
    createPayment: async (request, caller) => {
      const as = clientOf(caller);
      return await callUnary(as.createPayment.bind(as), request, callOptions());
    },
    initiate: async (request, caller) => {
      const as = clientOf(caller);
      return await callUnary(as.initiate.bind(as), request, callOptions());
    },
    capture: async (request, caller) => {
      const as = clientOf(caller);
      return await callUnary(as.capture.bind(as), request, callOptions());
    },
    voidPayment: async (request, caller) => {
      const as = clientOf(caller);
      return await callUnary(as.void.bind(as), request, callOptions());
    },
    refund: async (request, caller) => {
      const as = clientOf(caller);
      return await callUnary(as.refund.bind(as), request, callOptions());
    },
    adjust: async (request, caller) => {
      const as = clientOf(caller);
      return await callUnary(as.adjust.bind(as), request, callOptions());
    },
    get,
    settled: async (hotel, paymentId) =>
      await waitFor(`payment ${paymentId} to settle`, async () => {
        const payment = await get(hotel, paymentId);
        return isOpen(payment.status) ? undefined : payment;
      }),
    async close() {
      for (const each of clients.values()) each.close();
      await service.close();
    },
  };
}

/** A service for the time of `use`. */
export async function withTestService<T>(
  world: World,
  change: Partial<Config>,
  use: (service: TestService) => Promise<T>,
): Promise<T> {
  const service = await startTestService(world, change);
  try {
    return await use(service);
  } finally {
    await service.close();
  }
}

type CallOptions = { metadata: Metadata; deadlineMs: number };

/** What every call here carries: the caller is told by its certificate. */
export function callOptions(): CallOptions {
  return { metadata: callMetadata('req_test'), deadlineMs: DEADLINE_MS };
}

function isOpen(status: PaymentStatus): boolean {
  return (
    status === PaymentStatus.PAYMENT_STATUS_PROCESSING ||
    status === PaymentStatus.PAYMENT_STATUS_REQUIRES_ACTION
  );
}

/** A sale of EUR 125.00 with a new operation id, changed as a test needs. */
export function saleRequest(hotel: Hotel, cardToken: string, change: Partial<SaleRequest> = {}): SaleRequest {
  const request: SaleRequest = {
    operationId: randomUUID(),
    merchantId: hotel.merchantId,
    mode: Mode.MODE_TEST,
    requestFingerprint: fingerprint('a request'),
    amount: { amountMinor: 12_500n, currency: 'EUR' },
    cardToken,
    bookingReference: 'BK-1001',
    guest: { name: 'Ada Lovelace', email: 'ada@example.com' },
    description: 'Two nights',
    metadata: { channel: 'direct' },
    returnUrl: '',
    providerAccountId: '',
    origin: ORIGIN,
    paymentId: '',
    options: undefined,
  };
  return { ...request, ...change };
}

const ORIGIN = { actor: 'api_key:key_test', requestId: 'req_test', address: '192.0.2.7' };

/** The part that every operation on an existing payment has, with a new operation id. */
export function followUpOf(hotel: Hotel, paymentId: string, change: Partial<FollowUp> = {}): FollowUp {
  return {
    operationId: randomUUID(),
    merchantId: hotel.merchantId,
    mode: Mode.MODE_TEST,
    requestFingerprint: fingerprint('a request'),
    paymentId,
    origin: ORIGIN,
    ...change,
  };
}

/** So much, in EUR unless told otherwise; undefined stands for "all that is left". */
export function eur(amountMinor: number | bigint | undefined, currency = 'EUR'): Money | undefined {
  return amountMinor === undefined ? undefined : { amountMinor: BigInt(amountMinor), currency };
}

/** 32 bytes that stand for a request. */
export function fingerprint(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** What a call was refused with: gRPC status and our own error. Throws when it was not. */
export async function refusalOf(call: Promise<unknown>): Promise<{ status: number; error: AppError }> {
  try {
    await call;
  } catch (error) {
    if (!isServiceError(error)) throw error;
    return { status: error.code, error: fromServiceError(error) };
  }
  throw new Error('the call was not refused');
}

/** The payment of an answer. */
export function paymentOf({ payment }: { payment?: Payment | undefined }): Payment {
  if (payment === undefined) throw new Error('the answer holds no payment');
  return payment;
}
