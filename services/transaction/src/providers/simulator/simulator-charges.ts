import { setTimeout as wait } from 'node:timers/promises';
import type { CardVaults } from '../card-transport.ts';
import { failureOf } from '../failure.ts';
import type { ChargeAttempt, HostedAttempt, Lookup, Outcome, Provider } from '../provider.ts';
import { approvedOutcome, decideCharge, declineOfAmount, outcomeOfCharge } from './decide-charge.ts';
import type { ChargeDecision } from './decide-charge.ts';
import { CHARGE_AMOUNTS } from './simulator-amounts.ts';
import { cardOfToken, cardOfVaulted } from './simulator-cards.ts';
import type { FoundCard } from './simulator-cards.ts';
import type { Challenge, ChallengeStore } from './simulator-challenges.ts';
import { factsOf, parseReference, toReference } from './simulator-reference.ts';
import type { Tries } from './simulator-tries.ts';

type Parts = { vaults: CardVaults; challenges: ChallengeStore; tries: Tries };
type AnyAttempt = ChargeAttempt | HostedAttempt;

/** Charges, hosted pages and what can be asked about them. */
export function createChargeDesk(
  parts: Parts,
): Pick<Provider, 'charge' | 'openHostedPage' | 'retrieve' | 'lookup' | 'cancelChallenge'> {
  return {
    charge: async (attempt) => await charge(parts, attempt),
    openHostedPage: async (attempt) => await openHostedPage(parts, attempt),
    lookup: async (attempt) => await lookup(parts, attempt),
    async retrieve(attempt) {
      const found = await findAgain(parts, attempt);
      return found.kind === 'absent'
        ? { kind: 'unknown', reason: 'the simulator knows nothing of it' }
        : found;
    },
    async cancelChallenge(attempt, reference) {
      await parts.challenges.cancel(attempt.account.id, reference);
      const found = await findAgain(parts, attempt);
      return found.kind === 'absent'
        ? { kind: 'unknown', reason: 'the simulator knows nothing of it' }
        : found;
    },
  };
}

async function charge(parts: Parts, attempt: ChargeAttempt): Promise<Outcome> {
  const effect = CHARGE_AMOUNTS.get(attempt.money.amountMinor);
  if (effect?.kind === 'unreachable') {
    const isDown = !effect.once || (await parts.tries.nth(attempt.account.id, callsOf(attempt))) === 1;
    if (isDown) return { kind: 'not_sent', reason: 'simulated: provider unreachable' };
  }
  if (effect?.kind === 'delay') await wait(effect.ms);
  if (effect?.kind !== 'lost') return await answer(parts, attempt);
  // A lost answer is lost for this call only: the sweeper's lookup finds what really happened.
  if (effect.acted) await answer(parts, attempt);
  return { kind: 'unknown', reason: 'simulated: answer lost' };
}

function callsOf(attempt: AnyAttempt): string {
  return `call ${attempt.providerKey}`;
}

/** What the bank says. Asked again under the same key it says the same. */
async function answer(parts: Parts, attempt: ChargeAttempt): Promise<Outcome> {
  const found = await findCard(parts.vaults, attempt);
  if (found === undefined) return { kind: 'declined', failure: failureOf('card_token_invalid') };
  const decision = await decide(parts, attempt, found);
  if (decision.kind !== 'challenge') return outcomeOfCharge(attempt, found, decision);
  const { amountMinor } = attempt.money;
  const facts = factsOf(attempt, found.test, { state: 'approved', amountMinor });
  const returnUrl = attempt.returnUrl ?? '';
  const challenge = await parts.challenges.open({
    ...identityOf(attempt),
    kind: 'challenge',
    reference: toReference(attempt.providerKey, facts),
    card: found.summary,
    approveUrl: returnUrl,
    refuseUrl: returnUrl,
    failureCode: decision.decline,
    expiresAt: undefined,
  });
  return await outcomeOfChallenge(parts, attempt, challenge);
}

async function decide(parts: Parts, attempt: ChargeAttempt, found: FoundCard): Promise<ChargeDecision> {
  // Only a card that counts its tries asks the database; the ordinary charge does not.
  const nthTry =
    found.test.approvesOnTry === undefined
      ? 1
      : await parts.tries.nth(attempt.account.id, `payment ${attempt.paymentId}`, attempt.providerKey);
  return decideCharge(attempt, found, nthTry);
}

/** A documented token is a card by itself; any other is asked of the hotel's vault, which tells a masked card. */
async function findCard(vaults: CardVaults, attempt: ChargeAttempt): Promise<FoundCard | undefined> {
  const known = cardOfToken(attempt.cardToken);
  if (known !== undefined) return known;
  if (attempt.vaultAccount === undefined) return undefined;
  const masked = await vaults.open(attempt.vaultAccount).describe(attempt.cardToken);
  return masked === undefined ? undefined : cardOfVaulted(masked);
}

// Whoever pays on the hosted page pays with this card.
const HOSTED_CARD = cardOfToken('sim_card_visa');

async function openHostedPage(parts: Parts, attempt: HostedAttempt): Promise<Outcome> {
  const effect = CHARGE_AMOUNTS.get(attempt.money.amountMinor);
  if (effect?.kind === 'unreachable') {
    const isDown = !effect.once || (await parts.tries.nth(attempt.account.id, callsOf(attempt))) === 1;
    if (isDown) return { kind: 'not_sent', reason: 'simulated: provider unreachable' };
  }
  if (effect?.kind === 'lost' && !effect.acted) return { kind: 'unknown', reason: 'simulated: answer lost' };
  if (HOSTED_CARD === undefined) throw new Error('the hosted page has no card to pay with');
  const { amountMinor } = attempt.money;
  const facts = factsOf(attempt, HOSTED_CARD.test, { state: 'approved', amountMinor });
  const page = await parts.challenges.open({
    ...identityOf(attempt),
    kind: 'hosted',
    reference: toReference(attempt.providerKey, facts),
    card: undefined,
    approveUrl: attempt.successUrl,
    refuseUrl: attempt.cancelUrl,
    failureCode: declineOfAmount(amountMinor),
    expiresAt: attempt.expiresAt,
  });
  if (effect?.kind === 'lost') return { kind: 'unknown', reason: 'simulated: answer lost' };
  return await outcomeOfChallenge(parts, attempt, page);
}

function identityOf(attempt: AnyAttempt): {
  accountId: string;
  providerKey: string;
  operationId: string;
  bookingReference: string;
} {
  const { account, providerKey, operationId, bookingReference } = attempt;
  return { accountId: account.id, providerKey, operationId, bookingReference };
}

async function lookup(parts: Parts, attempt: AnyAttempt): Promise<Lookup> {
  const effect = CHARGE_AMOUNTS.get(attempt.money.amountMinor);
  const accountId = attempt.account.id;
  if (effect?.kind === 'lost') {
    if (!effect.acted) return { kind: 'absent' };
    const isStale =
      effect.staleLookup === true &&
      (await parts.tries.nth(accountId, `lookup ${attempt.providerKey}`)) === 1;
    if (isStale) return { kind: 'absent' };
  }
  if (effect?.kind === 'unreachable') {
    const wasReached = effect.once && (await parts.tries.count(accountId, callsOf(attempt))) > 1;
    if (!wasReached) return { kind: 'absent' };
  }
  return await findAgain(parts, attempt);
}

/** Where it stands: by its stored challenge, or, without one, by what the charge says each time it is asked. */
async function findAgain(parts: Parts, attempt: AnyAttempt): Promise<Lookup> {
  const challenge = await parts.challenges.byKey(attempt.account.id, attempt.providerKey);
  if (challenge !== undefined) return await outcomeOfChallenge(parts, attempt, challenge);
  if (!('cardToken' in attempt)) return { kind: 'absent' };
  const found = await findCard(parts.vaults, attempt);
  if (found === undefined) return { kind: 'declined', failure: failureOf('card_token_invalid') };
  const decision = await decide(parts, attempt, found);
  return decision.kind === 'challenge' ? { kind: 'absent' } : outcomeOfCharge(attempt, found, decision);
}

async function outcomeOfChallenge(parts: Parts, attempt: AnyAttempt, challenge: Challenge): Promise<Outcome> {
  const { reference: providerReference, kind } = challenge;
  const card = challenge.card ?? HOSTED_CARD?.summary;
  const declined = (code: Parameters<typeof failureOf>[0]): Outcome => ({
    kind: 'declined',
    providerReference,
    failure: failureOf(code),
    ...(challenge.card === undefined ? {} : { card: challenge.card }),
  });
  if (challenge.state === 'approved') {
    const facts = parseReference(providerReference);
    if (facts === undefined || card === undefined)
      throw new Error('a challenge without a readable reference');
    return challenge.failureCode === undefined
      ? approvedOutcome(attempt, facts, providerReference, card)
      : declined(challenge.failureCode);
  }
  if (challenge.state === 'open' && !challenge.isTimeOver) {
    const redirectUrl = await parts.challenges.addressOf(attempt.account.id, attempt.providerKey);
    const shown = challenge.card === undefined ? {} : { card: challenge.card };
    const { expiresAt } = challenge;
    return { kind: 'requires_action', redirectUrl, providerReference, expiresAt, ...shown };
  }
  if (kind === 'hosted') return declined('not_charged');
  return declined(challenge.state === 'refused' ? 'authentication_failed' : 'authentication_abandoned');
}
