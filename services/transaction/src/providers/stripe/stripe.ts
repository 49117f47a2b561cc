import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import { LRUCache } from 'lru-cache';
import type { Stripe } from 'stripe';
import type { CardVaults } from '../card-transport.ts';
import { checkAmountWith } from '../check-amount.ts';
import { credential } from '../provider-account.ts';
import type { OpenedAccount } from '../provider-account.ts';
import type { Capabilities, ChargeAttempt, HostedAttempt, Provider } from '../provider.ts';
import { cancelIntent, chargeCard, retrieveIntent, searchIntent, sendCard } from './stripe-charge.ts';
import { expireSession, findSession, isSession, openSession, retrieveSession } from './stripe-checkout.ts';
import { createClient } from './stripe-client.ts';
import type { StripeApi } from './stripe-client.ts';
import { checkKey } from './stripe-credentials.ts';
import { howToFindOut } from './stripe-dashboard.ts';
import { readDispute } from './stripe-dispute.ts';
import { peekEvent, readEvent } from './stripe-events.ts';
import { followUp, lookupFollowUp } from './stripe-follow-up.ts';
import { standingOf } from './stripe-standing.ts';

type Options = StripeApi & { vaults: CardVaults; failpoint: Failpoint };

// One client per hotel key; a client is a few kilobytes, its connections are shared.
const CLIENTS_MAX = 5_000;

/** What Stripe promises. The pages named are below docs.stripe.com. */
const CAPABILITIES: Capabilities = {
  // Keys may be removed once they are at least 24 hours old (api/idempotent_requests).
  idempotencyWindowMs: 24 * 60 * 60 * 1_000,
  // By metadata: payment intents are searched for, sessions and refunds listed (search, api/refunds/list).
  lookupByReference: true,
  // An intent that waits for an action can be canceled, an open session expired (api/payment_intents/cancel).
  cancelChallenge: true,
  // payments/place-a-hold-on-a-payment-method
  manualCapture: true,
  partialCapture: true,
  // Only with some networks, countries and price plans, so the charge itself tells (payments/multicapture,
  // payments/incremental-authorization, payments/overcapture).
  multipleCapture: 'per_hold',
  incrementalAuthorization: 'per_hold',
  overcapture: 'per_hold',
  // The new total of an increment must be greater than what is authorised (api/payment_intents/increment_authorization).
  decreaseAuthorization: false,
  // No parameter of this API version asks for it.
  partialApproval: false,
  // payments/checkout
  hostedPage: true,
  // capture_before of the charge; Stripe cancels the intent by itself then and sends an event.
  holdExpiry: 'provider',
  // Stripe publishes no limit for cards (refunds).
  refundWindowDays: undefined,
  partialRefunds: true,
  // webhooks/signature
  events: true,
};

/** Stripe on the hotel's own key: the card goes to Stripe through the vault, the charge through the official SDK. */
export function createStripe(options: Options): Provider & { close(): void } {
  const clients = createClients(options);
  const { timeoutMs } = options;
  const paymentMethodsUrl = `${options.apiUrl}/v1/payment_methods`;
  const clientOf = (attempt: { account: OpenedAccount }): Stripe => clients.of(attempt.account);
  return {
    name: 'stripe',
    capabilities: CAPABILITIES,
    needsVault: () => true,
    checkAmount: checkAmountWith('stripe'),
    async charge(attempt) {
      const card = await sendCard(options.vaults, paymentMethodsUrl, attempt);
      if ('kind' in card) return card;
      options.failpoint('stripe.after-payment-method');
      return await chargeCard(clientOf(attempt), timeoutMs, attempt, card);
    },
    openHostedPage: async (attempt) => await openSession(clientOf(attempt), timeoutMs, attempt),
    retrieve: async (attempt, reference) =>
      isSession(reference)
        ? await retrieveSession(clientOf(attempt), timeoutMs, attempt, reference)
        : await retrieveIntent(clientOf(attempt), timeoutMs, attempt, reference),
    lookup: async (attempt) =>
      isHosted(attempt)
        ? await findSession(clientOf(attempt), timeoutMs, attempt)
        : await searchIntent(clientOf(attempt), timeoutMs, attempt),
    cancelChallenge: async (attempt, reference) =>
      isSession(reference)
        ? await expireSession(clientOf(attempt), timeoutMs, attempt, reference)
        : await cancelIntent(clientOf(attempt), timeoutMs, attempt, reference),
    followUp: async (attempt) => await followUp(clientOf(attempt), timeoutMs, attempt),
    lookupFollowUp: async (attempt) => await lookupFollowUp(clientOf(attempt), timeoutMs, attempt),
    standing: async (account, reference, currency) =>
      await standingOf(clients.of(account), timeoutMs, reference, currency),
    readDispute: async (account, reference) => await readDispute(clients.of(account), timeoutMs, reference),
    readEvent,
    peekEvent,
    howToFindOut,
    checkCredentials: async (mode, credentials) =>
      await checkKey(options, mode, credentials.get('secret_key') ?? ''),
    close: clients.close,
  };
}

function isHosted(attempt: ChargeAttempt | HostedAttempt): attempt is HostedAttempt {
  return 'successUrl' in attempt;
}

type Clients = { of(account: OpenedAccount): Stripe; close(): void };

function createClients(options: Options): Clients {
  const url = new URL(options.apiUrl);
  const secure = url.protocol === 'https:';
  const httpAgent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const cache = new LRUCache<string, Stripe>({ max: CLIENTS_MAX });
  return {
    of(account) {
      const key = `${account.id} ${account.version}`;
      let client = cache.get(key);
      if (client === undefined) {
        client = createClient(options, credential(account, 'secret_key').reveal(), httpAgent);
        cache.set(key, client);
      }
      return client;
    },
    close: () => httpAgent.destroy(),
  };
}
