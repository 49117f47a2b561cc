import assert from 'node:assert/strict';
import { CaptureMethod } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Failure, Payment, Refund } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Money } from '@centra/proto/centra/money/v1/money.ts';
import type {
  CreatePaymentRequest,
  FollowUp,
  InitiateRequest,
  OperationState,
  PaymentOptions,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import type { Status } from '../payments/payment.ts';
import { toStatusMessage } from '../payments/payment.ts';
import { eur, followUpOf, paymentOf, refusalOf, saleRequest } from './test-service.ts';
import type { TestService } from './test-service.ts';
import type { Hotel, World } from './world.ts';

/** The operations on an existing payment that share one engine. */
export const FOLLOW_UPS = ['capture', 'void', 'refund', 'adjust'] as const;
export type FollowUpKind = (typeof FOLLOW_UPS)[number];

/** What all their answers have. */
export type FollowUpReply = {
  payment?: Payment | undefined;
  replayed: boolean;
  state: OperationState;
  failure?: Failure | undefined;
  /** Of a refund. */
  refund?: Refund | undefined;
};

/** The answers of the calls that were done, and how the others were refused. */
export async function outcomesOf<T>(
  calls: readonly Promise<T>[],
): Promise<{ done: T[]; refused: Awaited<ReturnType<typeof refusalOf>>[]; codes: ErrorCode[] }> {
  const results = await Promise.allSettled(calls);
  const refused = await Promise.all(
    calls.filter((_, index) => results[index]?.status === 'rejected').map(refusalOf),
  );
  return {
    done: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    refused,
    codes: refused.map(({ error }) => error.code),
  };
}

/** Asks for an operation of that kind; `amount` where it takes one, `keepOpen` for a capture. */
export async function ask(
  service: TestService,
  kind: FollowUpKind,
  followUp: FollowUp,
  {
    amount,
    keepOpen = false,
    caller,
  }: { amount?: Money | undefined; keepOpen?: boolean; caller?: string } = {},
): Promise<FollowUpReply> {
  switch (kind) {
    case 'capture':
      return await service.capture({ followUp, amount, keepOpen }, caller);
    case 'void':
      return await service.voidPayment({ followUp, reason: '' }, caller);
    case 'refund':
      return await service.refund({ followUp, amount, reason: '', metadata: {} }, caller);
    case 'adjust':
      return await service.adjust({ followUp, amount }, caller);
    default:
      throw new Error(`no call for ${String(kind satisfies never)}`);
  }
}

/** An amount with which the operation is legal on the payment that `readyFor` makes. */
export function amountFor(kind: FollowUpKind): Money | undefined {
  return kind === 'void' ? undefined : eur(kind === 'adjust' ? 15_000 : 5_000);
}

/** A payment on which an operation of that kind is legal. */
export async function readyFor(service: TestService, hotel: Hotel, kind: FollowUpKind): Promise<Payment> {
  return await paymentIn(service, hotel, kind === 'refund' ? 'succeeded' : 'authorized');
}

/** Options of a new payment; nothing beyond the plain charge unless told. */
export function paymentOptions(change: Partial<PaymentOptions> = {}): PaymentOptions {
  return {
    initiation: 0,
    originalNetworkTransactionId: '',
    extras: undefined,
    allowPartialApproval: false,
    retrySoftDeclines: false,
    quoteId: '',
    quoteHash: '',
    routingHints: undefined,
    ...change,
  };
}

export const ALL_EXTRAS = { multipleCapture: true, incremental: true, overcapture: true, extended: false };

/** A payment to register, of EUR 125.00 unless changed. */
export function createRequest(
  hotel: Hotel,
  change: Partial<CreatePaymentRequest> = {},
): CreatePaymentRequest {
  const { cardToken: _card, returnUrl: _url, paymentId: _id, ...request } = saleRequest(hotel, '');
  return { ...request, captureMethod: CaptureMethod.CAPTURE_METHOD_AUTOMATIC, ...change };
}

/** A hosted page for EUR 125.00 unless changed. */
export function initiateRequest(hotel: Hotel, change: Partial<InitiateRequest> = {}): InitiateRequest {
  return {
    ...createRequest(hotel),
    successUrl: 'https://hotel.example.com/paid',
    cancelUrl: 'https://hotel.example.com/not-paid',
    expiresInMinutes: 60,
    ...change,
  };
}

/** A hold of EUR 125.00 that allows all there is, at the built-in simulator unless another card is named. */
export async function hold(
  service: TestService,
  hotel: Hotel,
  cardToken = 'sim_card_visa',
  amount = eur(12_500),
): Promise<Payment> {
  const options = paymentOptions({ extras: ALL_EXTRAS });
  const held = paymentOf(await service.authorize(saleRequest(hotel, cardToken, { amount, options })));
  assert.equal(held.status, toStatusMessage('authorized'));
  return held;
}

/** A payment in that status, made by calls alone, at the built-in simulator; of EUR 125.00 but for one in doubt. */
export async function paymentIn(service: TestService, hotel: Hotel, status: Status): Promise<Payment> {
  const payment = await make(service, hotel, status);
  assert.equal(payment.status, toStatusMessage(status));
  return payment;
}

async function make(service: TestService, hotel: Hotel, status: Status): Promise<Payment> {
  const then = async (kind: FollowUpKind, { paymentId }: Payment, amount?: Money): Promise<Payment> =>
    paymentOf(
      await ask(service, kind, followUpOf(hotel, paymentId), { amount, keepOpen: kind === 'capture' }),
    );
  switch (status) {
    case 'created':
      return paymentOf(await service.createPayment(createRequest(hotel)));
    case 'processing':
      // Its answer is lost and it did not happen: in doubt until a sweeper finds out.
      return paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa', { amount: eur(66_611) })));
    case 'requires_action': {
      const change = { returnUrl: 'https://hotel.example.com/back' };
      return paymentOf(await service.sale(saleRequest(hotel, 'sim_card_authentication_required', change)));
    }
    case 'authorized':
      return await hold(service, hotel);
    case 'partially_captured':
      return await then('capture', await hold(service, hotel), eur(4_000));
    case 'succeeded':
      return paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa')));
    case 'partially_refunded':
      return await then('refund', await make(service, hotel, 'succeeded'), eur(4_000));
    case 'refunded':
      return await then('refund', await make(service, hotel, 'succeeded'));
    case 'canceled':
      return await then('void', await hold(service, hotel));
    case 'failed':
      return paymentOf(await service.sale(saleRequest(hotel, 'sim_card_declined')));
    default:
      throw new Error(`no payment that is ${String(status satisfies never)}`);
  }
}

const VISA = '4242424242424242';

/** A payment at Stripe on which an operation of that kind is legal; a hold allows all there is. */
export async function readyAtStripe(
  world: World,
  service: TestService,
  hotel: Hotel,
  kind: FollowUpKind,
  amount = eur(12_500),
): Promise<Payment> {
  const token = await world.vaultera.card(hotel.vaultKey, VISA);
  return kind === 'refund'
    ? paymentOf(await service.sale(saleRequest(hotel, token, { amount })))
    : await hold(service, hotel, token, amount);
}

const EFFECTS = {
  capture: 'capture.succeeded',
  void: 'payment_intent.canceled',
  refund: 'refund.succeeded',
  adjust: 'authorization.incremented',
} as const satisfies Record<FollowUpKind, string>;

/** What Stripe's own journal says of an operation: how often it took place, whoever asked. */
export async function effectsAtStripe(world: World, kind: FollowUpKind, payment: Payment): Promise<number> {
  const effects = await world.stripe.journal('effect');
  return effects.filter(
    (line) => line['effect'] === EFFECTS[kind] && line['payment_intent'] === payment.providerReference,
  ).length;
}

/** The idempotency keys of every call to Stripe for this operation, in order. */
export async function keysOf(world: World, operationId: string): Promise<string[]> {
  const requests = await world.stripe.journal('request');
  return requests
    .filter((line) => line['method'] === 'POST')
    .map((line) => String(line['idempotency_key']))
    .filter((key) => key.includes(operationId));
}

/** Where Stripe takes operations of that kind, for its faults. */
export const STRIPE_PATHS = {
  capture: '/v1/payment_intents/[^/]+/capture',
  void: '/v1/payment_intents/[^/]+/cancel',
  refund: '/v1/refunds',
  adjust: '/v1/payment_intents/[^/]+/increment_authorization',
} as const satisfies Record<FollowUpKind, string>;

/** What an operation of that kind reserves of a payment while it is open. */
export function reservedMinor(kind: FollowUpKind, payment: Payment): bigint {
  switch (kind) {
    case 'capture':
      return payment.capturePendingMinor;
    case 'refund':
      return payment.refundPendingMinor;
    case 'adjust':
      return payment.authorizePendingMinor;
    case 'void':
      return 0n;
    default:
      throw new Error(`nothing is known of ${String(kind satisfies never)}`);
  }
}

/** Whether the payment shows that the operation of `amountFor` took place. */
export function isDone(kind: FollowUpKind, payment: Payment): boolean {
  switch (kind) {
    case 'capture':
      return payment.capturedMinor === 5_000n && payment.hold === undefined;
    case 'void':
      return payment.status === toStatusMessage('canceled');
    case 'refund':
      return payment.refundedMinor === 5_000n;
    case 'adjust':
      return payment.authorizedMinor === 15_000n;
    default:
      throw new Error(`nothing is known of ${String(kind satisfies never)}`);
  }
}
