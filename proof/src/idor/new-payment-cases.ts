import { randomUUID } from 'node:crypto';
import { both, ends } from './attempt.ts';
import type { Attempt, Case } from './attempt.ts';
import { askDoor, byId, forged, NOT_FOUND, telling } from './routes.ts';
import type { World } from './world.ts';

// Routes that make something new: what they take of somebody else's comes in the body or in the Idempotency-Key.

const BOOKING = 'INTRUDER-1';

/** A payment of the intruder's own, which would be taken as it is. */
function own({ own: { cardToken } }: World, change: object = {}): object {
  return { card_token: cardToken, amount: 4_400, currency: 'EUR', booking_reference: BOOKING, ...change };
}

/** It made or found something of the intruder's own, and nothing of the owner's. */
const OWN: Attempt['judge'] = both(ends('201'), ({ text }, { owned }) =>
  text.includes(owned.keyed) || text.includes(owned.sold)
    ? 'it answered with a payment of the owner'
    : undefined,
);

/** To the vault of the intruder the owner's card is no card. */
export const UNKNOWN_CARD: Attempt['judge'] = both(ends('402 card_declined'), ({ text }) =>
  text.includes('"card_token_invalid"') ? undefined : `it was declined otherwise: ${text}`,
);

/** What is tried on both routes that make payments. */
function onNewPayments(of: string): readonly Attempt[] {
  return [
    ...telling(of, [
      {
        name: 'for a hotel that it names',
        sent: (world) => ({ body: own(world, { merchant_id: world.owner.merchantId }) }),
        judge: ends('400 validation_failed'),
      },
      {
        name: 'under an id that it names',
        sent: (world) => ({ body: own(world, { id: world.owned.created, payment_id: world.owned.created }) }),
        judge: ends('400 validation_failed'),
      },
      {
        name: 'with headers that claim to be the owner: it is the intruder’s',
        sent: (world) => ({ body: own(world), headers: forged(world) }),
        judge: OWN,
        acts: true,
      },
      {
        name: 'with a card of the owner’s vault',
        sent: (world) => ({ body: own(world, { card_token: world.owned.cardToken }) }),
        judge: UNKNOWN_CARD,
        acts: true,
      },
      {
        name: 'by the owner’s account at the provider',
        sent: (world) => ({ body: own(world, { provider_account: world.owned.account }) }),
        judge: ends('422 provider_account_missing'),
      },
      {
        name: 'with the owner’s Idempotency-Key: nothing is replayed and nothing is in the way',
        sent: (world) => ({ body: own(world), headers: { 'idempotency-key': world.owned.key } }),
        // The first of both routes makes the payment; the key is the intruder's own from then on.
        judge: both(ends('201', '422 idempotency_key_reused'), ({ text }, { owned }) =>
          text.includes(owned.keyed) || /idempotent-replayed/i.test(text)
            ? 'the answer was replayed'
            : undefined,
        ),
        acts: true,
      },
      {
        name: 'with the owner’s ids in metadata, under the names that we use ourselves: kept as words, or refused',
        sent: (world) => ({
          body: own(world, {
            metadata: {
              centra_payment: world.owned.bait.payment,
              centra_account: world.owned.bait.account,
              payment_id: world.owned.bait.payment,
            },
          }),
        }),
        judge: ends('201', '400 validation_failed'),
        acts: true,
      },
      {
        name: 'without a credential',
        sent: (world) => ({ body: own(world), headers: { authorization: '' } }),
        judge: ends('401 unauthenticated'),
      },
    ]),
    {
      name: 'with the owner’s live key and the Idempotency-Key and body of its test charge',
      ask: async (world) =>
        await askDoor(world, {
          method: 'POST',
          path: of.split(' ')[1] ?? '',
          apiKey: world.owner.liveKey,
          headers: { 'idempotency-key': world.owned.key },
          body: world.owned.keyedBody,
        }),
      judge: ends('422 provider_account_missing'),
      asOwner: true,
    },
  ];
}

const hosted = { success_url: 'https://intruder.example/paid', cancel_url: 'https://intruder.example/back' };

export const newPaymentRoutes: readonly Case[] = [
  {
    of: 'GET /v1/session',
    attempts: [
      ...telling('GET /v1/session', [
        {
          name: 'with headers that claim to be the owner: the session is at the intruder’s vault',
          sent: (world) => ({ headers: forged(world) }),
          judge: ends('200'),
          acts: true,
        },
        {
          name: 'for a hotel that it names',
          sent: ({ owner }) => ({ path: `/v1/session?merchant_id=${owner.merchantId}` }),
          judge: ends('400 validation_failed'),
        },
        {
          name: 'without a credential',
          sent: () => ({ headers: { authorization: '' } }),
          judge: ends('401 unauthenticated'),
        },
      ]),
      {
        name: 'with the owner’s live key: no session at its vault of test mode',
        ask: async (world) =>
          await askDoor(world, { method: 'GET', path: '/v1/session', apiKey: world.owner.liveKey }),
        judge: ends('422 provider_account_missing'),
        asOwner: true,
      },
    ],
  },
  { of: 'POST /v1/charge', attempts: onNewPayments('POST /v1/charge') },
  {
    of: 'POST /v1/payments',
    attempts: [
      ...onNewPayments('POST /v1/payments'),
      ...telling('POST /v1/payments', [
        {
          name: 'at a price that was promised to the owner',
          sent: ({ owned, own: { cardToken } }) => ({
            body: { card_token: cardToken, booking_reference: BOOKING, quote_id: owned.quote },
          }),
          judge: NOT_FOUND,
        },
        {
          name: 'on the hosted page of the owner’s account',
          sent: ({ owned }) => ({
            body: {
              amount: 4_400,
              currency: 'EUR',
              booking_reference: BOOKING,
              provider_account: owned.account,
              hosted,
            },
          }),
          judge: ends('422 provider_account_missing'),
        },
      ]),
      {
        name: 'with the owner’s live key, at a price that was promised in test mode',
        ask: async (world) =>
          await askDoor(world, {
            method: 'POST',
            path: '/v1/payments',
            apiKey: world.owner.liveKey,
            headers: { 'idempotency-key': randomUUID() },
            body: { booking_reference: BOOKING, quote_id: world.owned.quote },
          }),
        judge: NOT_FOUND,
        asOwner: true,
      },
    ],
  },
  {
    of: 'POST /v1/quotes',
    attempts: telling('POST /v1/quotes', [
      {
        name: 'for a hotel that it names',
        sent: ({ owner }) => ({
          body: {
            currency: 'EUR',
            items: [{ item: 'room.single', nights: 1 }],
            merchant_id: owner.merchantId,
          },
        }),
        judge: ends('400 validation_failed'),
      },
      {
        name: 'with headers that claim to be the owner: it is the intruder’s',
        sent: (world) => ({
          body: { currency: 'EUR', items: [{ item: 'room.single', nights: 1 }] },
          headers: forged(world),
        }),
        judge: ends('201'),
        acts: true,
      },
    ]),
  },
  byId('GET /v1/quotes/{id}', { id: ({ quote }) => quote }),
];
