import { createHash } from 'node:crypto';
import { checkAmountWith } from '../check-amount.ts';
import type { CardVaults } from '../card-transport.ts';
import { failureOf } from '../failure.ts';
import type { CardSummary, Lookup, Outcome, Provider, SaleAttempt } from '../provider.ts';
import { amountEffect, cardOfToken, cardOfVaulted } from './simulator-cards.ts';
import type { TestCard } from './simulator-cards.ts';

/**
 * The built-in test provider. Every answer is a pure function of the operation (card, amount, key), so it is idempotent
 * and can be looked up for ever without a store of its own. docs/providers/simulator.md lists its cards and amounts.
 */
export function createSimulator(options: { vaults: CardVaults }): Provider {
  const answer = async (attempt: SaleAttempt): Promise<Outcome> => {
    const card = await findCard(options.vaults, attempt);
    return card === undefined
      ? { kind: 'declined', failure: failureOf('card_token_invalid') }
      : decide(attempt, card);
  };
  return {
    name: 'simulator',
    // Declared without an idempotency window, so that unknown outcomes take the other road, the lookup, which always knows.
    capabilities: { idempotencyWindowMs: 0, lookupByReference: true, cancelChallenge: false },
    // A documented token is a card by itself.
    needsVault: (cardToken) => cardOfToken(cardToken) === undefined,
    checkAmount: checkAmountWith('simulator'),
    async sale(attempt) {
      const effect = amountEffect(attempt.money.amountMinor);
      if (effect?.kind === 'unreachable')
        return { kind: 'not_sent', reason: 'simulated: provider unreachable' };
      if (effect?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, effect.ms));
      // A lost answer is lost for this call only: the sweeper's lookup finds what really happened.
      if (effect?.kind === 'lost') return { kind: 'unknown', reason: 'simulated: answer lost' };
      return await answer(attempt);
    },
    retrieve: async (attempt) => await answer(attempt),
    async lookup(attempt): Promise<Lookup> {
      const effect = amountEffect(attempt.money.amountMinor);
      if (effect?.kind === 'lost' && !effect.charged) return { kind: 'absent' };
      return await answer(attempt);
    },
    cancelChallenge: async (attempt) => await answer(attempt),
    checkCredentials: async (mode) =>
      mode === 'test'
        ? { result: 'ok', message: 'The simulator needs no credentials.', accountName: 'Simulator' }
        : {
            result: 'wrong_mode',
            message: 'The simulator moves no money and exists in test mode only.',
            accountName: '',
          },
  };
}

type Found = { test: TestCard; summary: CardSummary };

/** A documented token is a card by itself; any other is asked of the hotel's vault, which tells a masked card. */
async function findCard(vaults: CardVaults, attempt: SaleAttempt): Promise<Found | undefined> {
  const known = cardOfToken(attempt.cardToken);
  if (known !== undefined) return known;
  if (attempt.vaultAccount === undefined) return undefined;
  const masked = await vaults.open(attempt.vaultAccount).describe(attempt.cardToken);
  return masked === undefined ? undefined : cardOfVaulted(masked);
}

function decide(attempt: SaleAttempt, { test, summary }: Found): Outcome {
  const providerReference = `sim_${createHash('sha256').update(attempt.providerKey).digest('hex').slice(0, 24)}`;
  const effect = amountEffect(attempt.money.amountMinor);
  const decline = test.decline ?? (effect?.kind === 'decline' ? effect.code : undefined);
  return decline === undefined
    ? { kind: 'succeeded', providerReference, card: summary }
    : { kind: 'declined', providerReference, failure: failureOf(decline), card: summary };
}
