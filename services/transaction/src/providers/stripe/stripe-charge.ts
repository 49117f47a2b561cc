import { toProviderCurrency } from '@centra/money/provider-amount.ts';
import { Stripe } from 'stripe';
import { assertAllowedTarget } from '../card-transport.ts';
import type { CardTemplate, CardVaults } from '../card-transport.ts';
import { failureOf } from '../failure.ts';
import { credential } from '../provider-account.ts';
import type { CardSummary, ChargeAttempt, HostedAttempt, Lookup, Outcome } from '../provider.ts';
import { cardTemplateBody, outcomeOfCardReply } from './stripe-card.ts';
import { withinDeadline } from './stripe-client.ts';
import { errorFacts, outcomeOfError } from './stripe-errors.ts';
import { outcomeOfIntent } from './stripe-intent.ts';
import type { Expected } from './stripe-intent.ts';
import { descriptorParams, metadataOf, unitsOf } from './stripe-mapping.ts';

// The one expansion of every call: the charge shows the card, the terms of its hold and the network's id. Each further one
// would make the call longer (docs.stripe.com/rate-limits).
export const WITH_CHARGE = ['latest_charge'];

export type TokenisedCard = { paymentMethod: string; summary: CardSummary | undefined };

/** Makes a Stripe payment method of the vault's card. Moves no money, so whatever goes wrong here, nothing was charged. */
export async function sendCard(
  vaults: CardVaults,
  url: string,
  attempt: ChargeAttempt,
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

/** Collects or holds in one call: the intent is created and confirmed under the operation's own key. */
export async function chargeCard(
  client: Stripe,
  timeoutMs: number,
  attempt: ChargeAttempt,
  card: TokenisedCard,
): Promise<Outcome> {
  const outcome = await guarded(timeoutMs, attempt, () =>
    client.paymentIntents.create(chargeParams(attempt, card.paymentMethod), {
      idempotencyKey: attempt.providerKey,
    }),
  );
  return withCard(outcome, card.summary);
}

/** What came of it with what the vault's card showed, which a decline or an open challenge does not repeat. */
function withCard(outcome: Outcome, card: CardSummary | undefined): Outcome {
  if (card === undefined) return outcome;
  switch (outcome.kind) {
    case 'succeeded':
    case 'declined':
    case 'requires_action':
      return { ...outcome, card };
    default:
      return outcome;
  }
}

/** What a charge asks of Stripe. Pure; the same attempt always asks the same, as its idempotency key demands. */
export function chargeParams(
  attempt: ChargeAttempt,
  paymentMethod: string,
): Stripe.PaymentIntentCreateParams {
  const original = attempt.originalNetworkTransactionId;
  return {
    amount: unitsOf(attempt.money),
    currency: toProviderCurrency('stripe', attempt.money.currency),
    payment_method: paymentMethod,
    allowed_payment_method_types: ['card'],
    capture_method: attempt.captureMethod,
    confirm: true,
    ...(attempt.description === '' ? {} : { description: attempt.description }),
    ...descriptorParams(attempt),
    ...initiationParams(attempt),
    ...cardOptions({
      ...extraOptions(attempt),
      ...(attempt.initiation === 'moto' ? { moto: true } : {}),
    }),
    metadata: {
      ...metadataOf(attempt),
      // The pinned API's types have no parameter for the network's id of the first payment, and `stored_credential_usage` is
      // for cards saved with Stripe, which ours are not. It is kept where a person finds it.
      ...(original === undefined ? {} : { original_network_transaction_id: original }),
    },
    expand: WITH_CHARGE,
  };
}

/** Who is there to answer the bank. Without a place to return to a guest cannot be challenged; Stripe then declines. */
function initiationParams(attempt: ChargeAttempt): Partial<Stripe.PaymentIntentCreateParams> {
  if (attempt.initiation === 'merchant') return { off_session: true };
  if (attempt.initiation === 'moto' || attempt.returnUrl === undefined)
    return { error_on_requires_action: true };
  return { return_url: attempt.returnUrl };
}

type ExtraOptions = {
  request_multicapture?: 'if_available';
  request_incremental_authorization?: 'if_available';
  request_overcapture?: 'if_available';
  request_extended_authorization?: 'if_available';
};

/** Only what was asked for, and only on a hold: they say what may be done with one. */
export function extraOptions({
  captureMethod,
  extras,
}: Pick<ChargeAttempt, 'captureMethod' | 'extras'>): ExtraOptions {
  if (captureMethod === 'automatic') return {};
  return {
    ...(extras.multipleCapture ? { request_multicapture: 'if_available' } : {}),
    ...(extras.incremental ? { request_incremental_authorization: 'if_available' } : {}),
    ...(extras.overcapture ? { request_overcapture: 'if_available' } : {}),
    ...(extras.extended ? { request_extended_authorization: 'if_available' } : {}),
  };
}

/** The options under their name, or nothing at all. */
export function cardOptions<T extends object>(card: T): { payment_method_options?: { card: T } } {
  return Object.keys(card).length === 0 ? {} : { payment_method_options: { card } };
}

/** Where the intent stands now. */
export async function retrieveIntent(
  client: Stripe,
  timeoutMs: number,
  expected: Expected,
  reference: string,
): Promise<Outcome> {
  return await guarded(timeoutMs, expected, () =>
    client.paymentIntents.retrieve(reference, { expand: WITH_CHARGE }),
  );
}

/** Withdraws a challenge nobody finished. A finished one stays as it is: a hold would be released by the same call. */
export async function cancelIntent(
  client: Stripe,
  timeoutMs: number,
  attempt: ChargeAttempt | HostedAttempt,
  reference: string,
): Promise<Outcome> {
  const stands = await retrieveIntent(client, timeoutMs, attempt, reference);
  if (stands.kind !== 'requires_action') return stands;
  const canceled = await guarded(timeoutMs, attempt, () =>
    client.paymentIntents.cancel(
      reference,
      { cancellation_reason: 'abandoned', expand: WITH_CHARGE },
      { idempotencyKey: `${attempt.providerKey}-cancel` },
    ),
  );
  // Refused because the guest finished at the last moment: where it stands now is the truth.
  return canceled.kind === 'declined' && canceled.beforeCharge === true
    ? await retrieveIntent(client, timeoutMs, attempt, reference)
    : canceled;
}

/** Stripe's search is eventually consistent: an empty answer is no proof until it was empty twice, a minute apart. */
export async function searchIntent(
  client: Stripe,
  timeoutMs: number,
  attempt: ChargeAttempt,
): Promise<Lookup> {
  try {
    const query = `metadata['centra_operation']:'${attempt.operationId}'`;
    const found = await withinDeadline(
      timeoutMs,
      client.paymentIntents.search({ query, limit: 2, expand: ['data.latest_charge'] }),
    );
    const intent = found.data[0];
    if (intent === undefined) return { kind: 'absent' };
    if (found.data.length > 1)
      return { kind: 'unknown', reason: 'two payment intents carry this operation id' };
    return outcomeOfIntent(intent, attempt);
  } catch (error) {
    return { kind: 'unknown', reason: `lookup failed: ${errorFacts(error).summary}` };
  }
}

/** Runs one SDK call; what it throws is mapped, never passed on, so that no raw reply travels further. */
async function guarded(
  timeoutMs: number,
  expected: Expected,
  call: () => Promise<Stripe.PaymentIntent>,
): Promise<Outcome> {
  try {
    return outcomeOfIntent(await withinDeadline(timeoutMs, call()), expected);
  } catch (error) {
    return outcomeOfError(errorFacts(error));
  }
}
