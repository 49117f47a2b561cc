import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Money } from '@centra/money/money.ts';
import { toProviderCurrency, toProviderMinor } from '@centra/money/provider-amount.ts';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import { LRUCache } from 'lru-cache';
import { Stripe } from 'stripe';
import { assertAllowedTarget } from '../card-transport.ts';
import type { CardTemplate, CardVaults } from '../card-transport.ts';
import { checkAmountWith } from '../check-amount.ts';
import { failureOf } from '../failure.ts';
import { credential } from '../provider-account.ts';
import type { OpenedAccount } from '../provider-account.ts';
import type { CardSummary, Lookup, Outcome, Provider, SaleAttempt } from '../provider.ts';
import { createClient, withinDeadline } from './stripe-client.ts';
import type { StripeApi } from './stripe-client.ts';
import { checkKey } from './stripe-credentials.ts';
import {
  cardTemplateBody,
  errorFacts,
  outcomeOfCardReply,
  outcomeOfError,
  outcomeOfIntent,
} from './stripe-mapping.ts';

type Options = StripeApi & { vaults: CardVaults; failpoint: Failpoint };

// One client per hotel key; a client is a few kilobytes, its connections are shared.
const CLIENTS_MAX = 5_000;
// Stripe removes keys once they are at least 24 hours old (docs.stripe.com/api/idempotent_requests).
const IDEMPOTENCY_WINDOW_MS = 24 * 60 * 60 * 1000;

/** Stripe on the hotel's own key: the card goes to Stripe through the vault, the charge through the official SDK. */
export function createStripe(options: Options): Provider & { close(): void } {
  const clients = createClients(options);
  const paymentMethodsUrl = `${options.apiUrl}/v1/payment_methods`;
  const tokenise = async (attempt: SaleAttempt): Promise<TokenisedCard | Outcome> =>
    await sendCard(options.vaults, paymentMethodsUrl, attempt);
  return {
    name: 'stripe',
    capabilities: {
      idempotencyWindowMs: IDEMPOTENCY_WINDOW_MS,
      lookupByReference: true,
      cancelChallenge: true,
    },
    needsVault: () => true,
    checkAmount: checkAmountWith('stripe'),
    async sale(attempt) {
      const card = await tokenise(attempt);
      if ('kind' in card) return card;
      options.failpoint('stripe.after-payment-method');
      return await charge(clients.of(attempt.account), options.timeoutMs, attempt, card);
    },
    retrieve: async (attempt, reference) =>
      await guarded(options.timeoutMs, attempt.money, () =>
        clients.of(attempt.account).paymentIntents.retrieve(reference, { expand: ['payment_method'] }),
      ),
    lookup: async (attempt) => await search(clients.of(attempt.account), options.timeoutMs, attempt),
    cancelChallenge: async (attempt, reference) => {
      const client = clients.of(attempt.account);
      const canceled = await guarded(options.timeoutMs, attempt.money, () =>
        client.paymentIntents.cancel(
          reference,
          { cancellation_reason: 'abandoned' },
          { idempotencyKey: `${attempt.providerKey}-cancel` },
        ),
      );
      // Refused because the guest finished at the last moment: where it stands now is the truth.
      return canceled.kind === 'declined' && canceled.beforeCharge === true
        ? await guarded(options.timeoutMs, attempt.money, () =>
            client.paymentIntents.retrieve(reference, { expand: ['payment_method'] }),
          )
        : canceled;
    },
    checkCredentials: async (mode, credentials) =>
      await checkKey(options, mode, credentials.get('secret_key') ?? ''),
    close: clients.close,
  };
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

type TokenisedCard = { paymentMethod: string; summary: CardSummary | undefined };

/** Makes a Stripe payment method of the vault's card. Moves no money, so whatever goes wrong here, nothing was charged. */
async function sendCard(
  vaults: CardVaults,
  url: string,
  attempt: SaleAttempt,
): Promise<TokenisedCard | Outcome> {
  if (attempt.vaultAccount === undefined)
    return { kind: 'declined', failure: failureOf('card_token_invalid'), beforeCharge: true };
  const template: CardTemplate = {
    method: 'POST',
    url,
    headers: {
      authorization: `Bearer ${credential(attempt.account, 'secret_key').reveal()}`,
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': `${attempt.providerKey}-card`,
      'stripe-version': Stripe.API_VERSION,
    },
    body: cardTemplateBody(attempt.guest),
  };
  assertAllowedTarget(template, [{ method: 'POST', url }]);
  const reply = await vaults.open(attempt.vaultAccount).send(attempt.cardToken, template);
  return outcomeOfCardReply(reply);
}

async function charge(
  client: Stripe,
  timeoutMs: number,
  attempt: SaleAttempt,
  card: TokenisedCard,
): Promise<Outcome> {
  const outcome = await guarded(timeoutMs, attempt.money, () =>
    client.paymentIntents.create(
      {
        amount: Number(toProviderMinor('stripe', attempt.money)),
        currency: toProviderCurrency('stripe', attempt.money.currency),
        payment_method: card.paymentMethod,
        allowed_payment_method_types: ['card'],
        capture_method: 'automatic',
        confirm: true,
        ...(attempt.description === '' ? {} : { description: attempt.description }),
        // Without a place to return to the guest cannot be challenged; Stripe then declines instead.
        ...(attempt.returnUrl === undefined
          ? { error_on_requires_action: true }
          : { return_url: attempt.returnUrl }),
        metadata: {
          centra_operation: attempt.operationId,
          centra_payment: attempt.paymentId,
          booking_reference: attempt.bookingReference,
        },
      },
      { idempotencyKey: attempt.providerKey },
    ),
  );
  const known = card.summary;
  return known === undefined || outcome.kind === 'unknown' || outcome.kind === 'not_sent'
    ? outcome
    : { ...outcome, card: known };
}

/** Runs one SDK call; what it throws is mapped, never passed on, so that no raw reply travels further. */
async function guarded(
  timeoutMs: number,
  money: Money,
  call: () => Promise<Stripe.PaymentIntent>,
): Promise<Outcome> {
  try {
    return outcomeOfIntent(await withinDeadline(timeoutMs, call()), money);
  } catch (error) {
    return outcomeOfError(errorFacts(error));
  }
}

/** Stripe's search is eventually consistent: an empty answer is no proof until it was empty twice, a minute apart. */
async function search(client: Stripe, timeoutMs: number, attempt: SaleAttempt): Promise<Lookup> {
  try {
    const query = `metadata['centra_operation']:'${attempt.operationId}'`;
    const found = await withinDeadline(
      timeoutMs,
      client.paymentIntents.search({ query, limit: 2, expand: ['data.payment_method'] }),
    );
    const intent = found.data[0];
    if (intent === undefined) return { kind: 'absent' };
    if (found.data.length > 1)
      return { kind: 'unknown', reason: 'two payment intents carry this operation id' };
    return outcomeOfIntent(intent, attempt.money);
  } catch (error) {
    return { kind: 'unknown', reason: `lookup failed: ${errorFacts(error).summary}` };
  }
}
