import type { Case } from './attempt.ts';
import { ends } from './attempt.ts';
import { byId, NOT_FOUND, ofList, telling } from './routes.ts';
import { hotelRoutes } from './hotel-route-cases.ts';
import { openRoutes } from './open-route-cases.ts';
import { personRoutes } from './person-route-cases.ts';
import { newPaymentRoutes, UNKNOWN_CARD } from './new-payment-cases.ts';

// What each route takes that could be somebody else's. A route of the OpenAPI document that is not here fails the build, and
// so does a line here that is no route: cases.test.ts.

const eur = (amount: number): object => ({ amount, currency: 'EUR' });

const payments: readonly Case[] = [
  ofList('GET /v1/payments', {
    shows: ({ sold }) => sold,
    queries: [
      { name: 'by Stripe’s id', query: ({ owned }) => ({ provider_reference: owned.reference }) },
      { name: 'by the guest', query: ({ owned }) => ({ guest_email: owned.guestEmail }) },
      { name: 'by the booking', query: ({ owned }) => ({ booking_reference: owned.bookingReference }) },
      { name: 'by the id, searched', query: ({ owned }) => ({ query: owned.sold }) },
      {
        name: 'by a part of the guest, searched',
        query: ({ owned }) => ({ query: owned.guestEmail.slice(0, 10) }),
      },
      { name: 'by amount and card', query: () => ({ amount: '12550', currency: 'EUR', card_last4: '4242' }) },
      { name: 'by status', query: () => ({ status: 'succeeded' }) },
    ],
  }),
  byId('GET /v1/payments/{id}', { id: ({ sold }) => sold }),
  byId('GET /v1/payments/{id}/status', { id: ({ sold }) => sold }),
  byId('GET /v1/payments/{id}/events', { id: ({ sold }) => sold }),
  byId('GET /v1/payments/{id}/refunds', { id: ({ sold }) => sold }),
  byId('POST /v1/payments/{id}/authorize', {
    id: ({ created }) => created,
    body: ({ own }) => ({ card_token: own.cardToken }),
    key: true,
    more: telling('POST /v1/payments/{id}/authorize', [
      {
        name: 'on a payment of its own, with a card of the owner’s vault',
        sent: ({ own, owned }) => ({
          path: `/v1/payments/${own.created}/authorize`,
          body: { card_token: owned.cardToken },
        }),
        judge: UNKNOWN_CARD,
        acts: true,
      },
    ]),
  }),
  byId('POST /v1/payments/{id}/capture', { id: ({ held }) => held, body: () => eur(100), key: true }),
  byId('POST /v1/payments/{id}/cancel', { id: ({ held }) => held, body: () => ({}), key: true }),
  byId('POST /v1/payments/{id}/adjust', { id: ({ held }) => held, body: () => eur(13_000), key: true }),
  byId('POST /v1/payments/{id}/client-secret', { id: ({ created }) => created }),
  byId('POST /v1/payments/{id}/refund', { id: ({ sold }) => sold, body: () => eur(100), key: true }),
  ofList('GET /v1/refunds', {
    shows: ({ refund }) => refund,
    queries: [
      {
        name: 'of one of the owner’s payments',
        query: ({ owned }) => ({ payment_id: owned.sold }),
        judge: NOT_FOUND,
      },
    ],
  }),
  byId('GET /v1/refunds/{id}', { id: ({ refund }) => refund }),
  ofList('GET /v1/disputes', {
    shows: ({ dispute }) => dispute,
    queries: [
      { name: 'of one of the owner’s payments', query: ({ owned }) => ({ payment_id: owned.disputed }) },
    ],
  }),
  byId('GET /v1/disputes/{id}', { id: ({ dispute }) => dispute }),
];

const queues: readonly Case[] = [
  ofList('GET /v1/unknown-operations', { shows: ({ unknown }) => unknown }),
  byId('POST /v1/unknown-operations/{id}/settle', {
    id: ({ unknown }) => unknown,
    body: ({ owned }) => ({
      outcome: 'happened',
      evidence: 'The dashboard shows this payment.',
      provider_reference: owned.reference,
    }),
    more: telling('POST /v1/unknown-operations/{id}/settle', [
      {
        name: 'an operation of its own, by the owner’s reference at the provider',
        sent: ({ own, owned }) => ({
          path: `/v1/unknown-operations/${own.unknown}/settle`,
          body: {
            outcome: 'happened',
            evidence: 'The dashboard shows this payment.',
            provider_reference: owned.simulated,
          },
        }),
        judge: ends('409 state_conflict'),
        acts: true,
      },
    ]),
  }),
  ofList('GET /v1/provider-events', {
    shows: ({ event }) => event,
    queries: [{ name: 'by state', query: () => ({ state: 'processed', limit: '100' }) }],
  }),
  byId('POST /v1/provider-events/{id}/replay', { id: ({ event }) => event, body: () => ({}) }),
];

const settings: readonly Case[] = [
  {
    of: 'GET /v1/providers',
    attempts: telling('GET /v1/providers', [
      { name: 'it lists what can be connected, of no hotel', sent: () => ({}), judge: ends('200') },
      {
        name: 'for a hotel that it names',
        sent: ({ owner }) => ({ path: `/v1/providers?merchant_id=${owner.merchantId}` }),
        judge: ends('400 validation_failed'),
      },
    ]),
  },
  {
    of: 'POST /v1/provider-accounts',
    attempts: telling('POST /v1/provider-accounts', [
      {
        name: 'for a hotel that it names',
        sent: ({ owner }) => ({
          body: { provider: 'simulator', credentials: {}, merchant_id: owner.merchantId },
        }),
        judge: ends('400 validation_failed'),
      },
      {
        name: 'under an id that it names',
        sent: ({ owned }) => ({ body: { provider: 'simulator', credentials: {}, id: owned.account } }),
        judge: ends('400 validation_failed'),
      },
    ]),
  },
  ofList('GET /v1/provider-accounts', { shows: ({ account }) => account, bothModes: true }),
  {
    of: 'POST /v1/provider-accounts/test',
    attempts: telling('POST /v1/provider-accounts/test', [
      {
        name: 'with the credentials of an account that it names',
        sent: ({ owned }) => ({
          body: { provider: 'stripe', provider_account: owned.account, credentials: {} },
        }),
        judge: ends('400 validation_failed'),
      },
    ]),
  },
  byId('GET /v1/provider-accounts/{id}', { id: ({ account }) => account, bothModes: true }),
  byId('DELETE /v1/provider-accounts/{id}', { id: ({ account }) => account, bothModes: true }),
  byId('POST /v1/provider-accounts/{id}/test', {
    id: ({ account }) => account,
    body: () => ({}),
    bothModes: true,
  }),
  byId('POST /v1/provider-accounts/{id}/rotate', {
    id: ({ account }) => account,
    body: ({ intruder }) => ({ credentials: { secret_key: intruder.stripeKey } }),
    bothModes: true,
  }),
  {
    of: 'POST /v1/api-keys',
    attempts: telling('POST /v1/api-keys', [
      {
        name: 'for a hotel that it names',
        sent: ({ owner }) => ({
          body: { name: 'For me', scopes: ['payments:read'], merchant_id: owner.merchantId },
        }),
        judge: ends('400 validation_failed'),
      },
    ]),
  },
  ofList('GET /v1/api-keys', { shows: ({ apiKey }) => apiKey, bothModes: true }),
  byId('GET /v1/api-keys/{id}', { id: ({ apiKey }) => apiKey, bothModes: true }),
  byId('GET /v1/api-keys/{id}/usage', { id: ({ apiKey }) => apiKey, bothModes: true }),
  byId('POST /v1/api-keys/{id}/rotate', {
    id: ({ apiKey }) => apiKey,
    body: () => ({ overlap_seconds: 0 }),
    bothModes: true,
  }),
  byId('DELETE /v1/api-keys/{id}', { id: ({ apiKey }) => apiKey, bothModes: true }),
];

export const ROUTE_CASES: readonly Case[] = [
  ...newPaymentRoutes,
  ...payments,
  ...queues,
  ...settings,
  ...hotelRoutes,
  ...personRoutes,
  ...openRoutes,
];
