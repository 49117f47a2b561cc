import { randomUUID } from 'node:crypto';
import {
  AdjustPaymentRequest,
  AuthorizePaymentRequest,
  CancelPaymentRequest,
  CaptureMethod,
  CapturePaymentRequest,
  CreatePaymentRequest,
  GetPaymentRequest,
  GetPaymentStatusRequest,
  GetQuoteRequest,
  InitiatePaymentRequest,
  RefundPaymentRequest,
} from '@centra/proto/centra/payment/v1/payment.ts';
import { ends } from './attempt.ts';
import type { Case } from './attempt.ts';
import { authCalls } from './auth-call-cases.ts';
import { asking, forHotels, withKey } from './calls.ts';
import { settingsCalls } from './settings-call-cases.ts';
import { transactionCalls } from './transaction-call-cases.ts';
import type { World } from './world.ts';

// What each RPC takes that could be somebody else's; those between our services are in files of their own.

const HOTELS = 'centra.payment.v1.PaymentService';
const eur = (amountMinor: bigint) => ({ amountMinor, currency: 'EUR' });
const MISSING_ACCOUNT = ends('FAILED_PRECONDITION provider_account_missing');

const terms = ({ owned }: World) => ({
  amount: eur(4_400n),
  bookingReference: 'INTRUDER-2',
  captureMethod: CaptureMethod.CAPTURE_METHOD_AUTOMATIC,
  providerAccountId: owned.account,
});

const hotels: readonly Case[] = [
  forHotels(
    `${HOTELS}/CreatePayment`,
    async (world, options) => {
      const { payment } = world;
      const request = CreatePaymentRequest.fromPartial({
        idempotencyKey: randomUUID(),
        terms: terms(world),
        cardToken: world.own.cardToken,
      });
      return await asking(payment.createPayment.bind(payment), request, options);
    },
    { foreign: MISSING_ACCOUNT },
    [
      {
        name: 'at a price that was promised to the owner',
        ask: async ({ payment, owned, own, intruder }) => {
          const request = CreatePaymentRequest.fromPartial({
            idempotencyKey: randomUUID(),
            terms: { bookingReference: 'INTRUDER-2', quoteId: owned.quote },
            cardToken: own.cardToken,
          });
          return await asking(payment.createPayment.bind(payment), request, withKey(intruder.apiKey));
        },
        judge: ends('NOT_FOUND not_found'),
      },
      {
        name: 'with the owner’s Idempotency-Key: nothing is replayed',
        ask: async ({ payment, owned, own, intruder }) => {
          const request = CreatePaymentRequest.fromPartial({
            idempotencyKey: owned.key,
            terms: { amount: eur(4_400n), bookingReference: 'INTRUDER-2' },
            cardToken: own.cardToken,
          });
          return await asking(payment.createPayment.bind(payment), request, withKey(intruder.apiKey));
        },
        // Whether it is used already is a matter of the intruder's own requests before.
        judge: ends('OK', 'FAILED_PRECONDITION idempotency_key_reused'),
        acts: true,
      },
    ],
  ),
  forHotels(
    `${HOTELS}/InitiatePayment`,
    async (world, options) => {
      const { payment } = world;
      const request = InitiatePaymentRequest.fromPartial({
        idempotencyKey: randomUUID(),
        terms: terms(world),
        successUrl: 'https://intruder.example/paid',
        cancelUrl: 'https://intruder.example/back',
      });
      return await asking(payment.initiatePayment.bind(payment), request, options);
    },
    { foreign: MISSING_ACCOUNT },
  ),
  forHotels(`${HOTELS}/AuthorizePayment`, async ({ payment, owned, own }, options) => {
    const { cardToken } = own;
    const request = { idempotencyKey: randomUUID(), paymentId: owned.created, cardToken };
    const asked = AuthorizePaymentRequest.fromPartial(request);
    return await asking(payment.authorizePayment.bind(payment), asked, options);
  }),
  forHotels(`${HOTELS}/CapturePayment`, async ({ payment, owned }, options) => {
    const request = CapturePaymentRequest.fromPartial({
      idempotencyKey: randomUUID(),
      paymentId: owned.held,
    });
    return await asking(payment.capturePayment.bind(payment), request, options);
  }),
  forHotels(`${HOTELS}/CancelPayment`, async ({ payment, owned }, options) => {
    const request = CancelPaymentRequest.fromPartial({ idempotencyKey: randomUUID(), paymentId: owned.held });
    return await asking(payment.cancelPayment.bind(payment), request, options);
  }),
  forHotels(`${HOTELS}/AdjustPayment`, async ({ payment, owned }, options) => {
    const asked = { idempotencyKey: randomUUID(), paymentId: owned.held, amount: eur(13_000n) };
    const request = AdjustPaymentRequest.fromPartial(asked);
    return await asking(payment.adjustPayment.bind(payment), request, options);
  }),
  forHotels(`${HOTELS}/RefundPayment`, async ({ payment, owned }, options) => {
    const request = RefundPaymentRequest.fromPartial({ idempotencyKey: randomUUID(), paymentId: owned.sold });
    return await asking(payment.refundPayment.bind(payment), request, options);
  }),
  forHotels(`${HOTELS}/GetPayment`, async ({ payment, owned }, options) => {
    const request = GetPaymentRequest.fromPartial({ paymentId: owned.sold });
    return await asking(payment.getPayment.bind(payment), request, options);
  }),
  forHotels(`${HOTELS}/GetPaymentStatus`, async ({ payment, owned }, options) => {
    const request = GetPaymentStatusRequest.fromPartial({ paymentId: owned.sold });
    return await asking(payment.getPaymentStatus.bind(payment), request, options);
  }),
  // It takes no id; what it makes is the caller's own, of the caller's own mode.
  forHotels(
    `${HOTELS}/GetQuote`,
    async ({ payment }, options) => {
      const request = GetQuoteRequest.fromPartial({
        currency: 'EUR',
        items: [{ item: 'room.single', nights: 1 }],
      });
      return await asking(payment.getQuote.bind(payment), request, options);
    },
    { foreign: ends('OK'), acts: true },
  ),
];

export const CALL_CASES: readonly Case[] = [...hotels, ...authCalls, ...settingsCalls, ...transactionCalls];
