import { createHash, randomUUID } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
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
import { callUnary, fromServiceError, isServiceError, serviceMetadata } from '@centra/service-kit/grpc.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { Signer } from '@centra/service-kit/service-identity.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import type { Config } from '../config.ts';
import type { Context } from '../context.ts';
import { startTransaction } from '../service.ts';
import type { Hotel, World } from './world.ts';

/** The service in this process, called over real gRPC. */
export type TestService = {
  context: Context;
  client: TransactionServiceClient;
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
  const client = new TransactionServiceClient(`localhost:${service.grpcPort}`, credentials.createInsecure());
  const options = callersOf(world);
  const get = async (hotel: Hotel, paymentId: string): Promise<Payment> =>
    await callUnary(
      client.getPayment.bind(client),
      { merchantId: hotel.merchantId, mode: Mode.MODE_TEST, paymentId },
      options(),
    );
  return {
    context: service.context,
    client,
    sale: async (request, caller) => await callUnary(client.sale.bind(client), request, options(caller)),
    authorize: async (request, caller) =>
      await callUnary(client.authorize.bind(client), request, options(caller)),
    createPayment: async (request, caller) =>
      await callUnary(client.createPayment.bind(client), request, options(caller)),
    initiate: async (request, caller) =>
      await callUnary(client.initiate.bind(client), request, options(caller)),
    capture: async (request, caller) =>
      await callUnary(client.capture.bind(client), request, options(caller)),
    voidPayment: async (request, caller) =>
      await callUnary(client.void.bind(client), request, options(caller)),
    refund: async (request, caller) => await callUnary(client.refund.bind(client), request, options(caller)),
    adjust: async (request, caller) => await callUnary(client.adjust.bind(client), request, options(caller)),
    get,
    settled: async (hotel, paymentId) =>
      await waitFor(`payment ${paymentId} to settle`, async () => {
        const payment = await get(hotel, paymentId);
        return isOpen(payment.status) ? undefined : payment;
      }),
    async close() {
      client.close();
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

/** Metadata of a caller among our services, and a deadline. */
export function callOptions(world: World, caller?: string): CallOptions {
  return callersOf(world)(caller);
}

/** The same for many calls: a signer is dear to make, and remembers its token like a real caller's. */
function callersOf(world: World): (caller?: string) => CallOptions {
  const signers = new Map<string, Signer>();
  return (caller = 'payment-api') => {
    const signer = signers.get(caller) ?? createSigner(caller, world.keys.privateKeys[caller] ?? '');
    signers.set(caller, signer);
    return { metadata: serviceMetadata(signer, 'transaction', 'req_test'), deadlineMs: DEADLINE_MS };
  };
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
