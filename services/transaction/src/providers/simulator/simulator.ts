import { setTimeout as wait } from 'node:timers/promises';
import type { Pool } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CardVaults } from '../card-transport.ts';
import { checkAmountWith } from '../check-amount.ts';
import type { Capabilities, FollowUpAttempt, Lookup, Outcome, Provider } from '../provider.ts';
import { REFUND_WINDOW_DAYS } from './decide-follow-up.ts';
import { createChargeDesk } from './simulator-charges.ts';
import { createChallenges } from './simulator-challenges.ts';
import type { SimulatorChallenges } from './simulator-challenges.ts';
import { cardOfToken } from './simulator-cards.ts';
import { FOLLOW_UP_AMOUNTS } from './simulator-amounts.ts';
import { createJournal } from './simulator-journal.ts';
import { readDispute, readStanding } from './simulator-standing.ts';
import { createTries } from './simulator-tries.ts';

export type SimulatorOptions = {
  vaults: CardVaults;
  /** Of the transaction service's own database. */
  pool: Pool;
  /** Where payment-api serves the challenge pages; the token is added after a slash. */
  challengeUrl: string;
  /** How long after a refund was asked for its bank settles it, or takes it back. Default 10 s. */
  refundDelayMs?: number;
};

/** The simulator as a provider, and its guests' page. */
export type Simulator = Provider & { challenges: SimulatorChallenges };

/**
 * What it declares. No idempotency window, though it never forgets a key: so its unknown outcomes take the other road, the
 * lookup, which is then used every day.
 */
export const SIMULATOR_CAPABILITIES: Capabilities = {
  idempotencyWindowMs: 0,
  lookupByReference: true,
  cancelChallenge: true,
  manualCapture: true,
  partialCapture: true,
  multipleCapture: 'per_hold',
  incrementalAuthorization: 'per_hold',
  decreaseAuthorization: true,
  overcapture: 'per_hold',
  partialApproval: true,
  hostedPage: true,
  holdExpiry: 'provider',
  refundWindowDays: REFUND_WINDOW_DAYS,
  partialRefunds: true,
  events: false,
};

// Long enough to be seen as pending, short enough for whoever watches.
const REFUND_DELAY_MS = 10_000;

/**
 * The built-in test provider: a card bank inside this process. An ordinary charge is a pure function of the operation
 * and writes nothing; what follows it is kept in tables of its own. docs/providers/simulator.md lists its cards and amounts.
 */
export function createSimulator(options: SimulatorOptions): Simulator {
  const { pool } = options;
  const challenges = createChallenges(pool, options.challengeUrl);
  const tries = createTries(pool);
  const journal = createJournal(pool, options.refundDelayMs ?? REFUND_DELAY_MS);
  const charges = createChargeDesk({ vaults: options.vaults, challenges, tries });
  return {
    name: 'simulator',
    capabilities: SIMULATOR_CAPABILITIES,
    // A documented token is a card by itself.
    needsVault: (cardToken) => cardOfToken(cardToken) === undefined,
    checkAmount: checkAmountWith('simulator'),
    ...charges,
    followUp: async (attempt) => await followUp({ journal, tries }, attempt),
    lookupFollowUp: async (attempt) => await lookupFollowUp({ journal, tries }, attempt),
    standing: async (account, reference, currency) =>
      await readStanding({ journal, challenges }, account.id, reference, currency),
    readDispute: async (account, reference) => await readDispute(journal, account.id, reference),
    readEvent: () => {
      throw new AppError('signature_invalid', { internal: 'the simulator sends no events' });
    },
    peekEvent: () => undefined,
    howToFindOut: ({ operationId, paymentReference }) =>
      `The built-in simulator keeps what follows a charge in the table simulator_effects of the transaction database: ` +
      `look for provider_key like '%${operationId}%'` +
      (paymentReference === undefined ? '.' : ` or reference '${paymentReference}'.`),
    checkCredentials: async (mode) =>
      mode === 'test'
        ? { result: 'ok', message: 'The simulator needs no credentials.', accountName: 'Simulator' }
        : {
            result: 'wrong_mode',
            message: 'The simulator moves no money and exists in test mode only.',
            accountName: '',
          },
    challenges: { read: challenges.read, answer: challenges.answer },
  };
}

type Desk = { journal: ReturnType<typeof createJournal>; tries: ReturnType<typeof createTries> };

async function followUp({ journal, tries }: Desk, attempt: FollowUpAttempt): Promise<Outcome> {
  const effect = FOLLOW_UP_AMOUNTS.get(attempt.money.amountMinor);
  if (effect?.kind === 'unreachable') {
    const nth = await tries.nth(attempt.account.id, `call ${attempt.providerKey}`);
    if (nth === 1 || !effect.once) return { kind: 'not_sent', reason: 'simulated: provider unreachable' };
  }
  if (effect?.kind === 'delay') await wait(effect.ms);
  if (effect?.kind === 'lost' && !effect.acted) return { kind: 'unknown', reason: 'simulated: answer lost' };
  const outcome = await journal.perform(attempt);
  return effect?.kind === 'lost' ? { kind: 'unknown', reason: 'simulated: answer lost' } : outcome;
}

async function lookupFollowUp({ journal, tries }: Desk, attempt: FollowUpAttempt): Promise<Lookup> {
  const effect = FOLLOW_UP_AMOUNTS.get(attempt.money.amountMinor);
  if (effect?.kind === 'lost' && effect.staleLookup === true) {
    const nth = await tries.nth(attempt.account.id, `lookup ${attempt.providerKey}`);
    if (nth === 1) return { kind: 'absent' };
  }
  return await journal.find(attempt);
}
