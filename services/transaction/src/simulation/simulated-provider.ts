import { AppError } from '@centra/service-kit/errors.ts';
import { failureOf } from '../providers/failure.ts';
import type {
  Attempt,
  Capabilities,
  ChargeAttempt,
  EventFact,
  FollowUpAttempt,
  Lookup,
  Outcome,
  Provider,
} from '../providers/provider.ts';
import type { Faults } from './faults.ts';
import type { Bank } from './simulated-bank.ts';
import type { Dice } from './dice.ts';
import type { Scheduler } from './scheduler.ts';

/** One request that could have moved money, as it left us. */
export type SentCall = { verb: string; operationId: string; providerKey: string; atMs: number };

/** What all instances share of one provider: its bank, what it remembers of our keys, and what reached it. */
export type ProviderDesk = {
  name: string;
  capabilities: Capabilities;
  bank: Bank;
  answers: Map<string, { outcome: Outcome; atMs: number }>;
  actedAtMs: Map<string, number>;
  calls: SentCall[];
  /** Its webhooks by their event id. */
  facts: Map<string, EventFact>;
};

export type ProviderWorld = {
  dice: Dice;
  faults: Faults;
  scheduler: Scheduler;
  nowMs(): number;
  later(atMs: number, label: string, run: () => void): void;
  tell(line: string): void;
};

const KEY_WINDOW_MS = 24 * 60 * 60_000;

const COMMON: Capabilities = {
  idempotencyWindowMs: 0,
  lookupByReference: false,
  cancelChallenge: false,
  manualCapture: true,
  partialCapture: true,
  multipleCapture: 'per_hold',
  incrementalAuthorization: 'per_hold',
  decreaseAuthorization: false,
  overcapture: 'per_hold',
  partialApproval: false,
  hostedPage: false,
  holdExpiry: 'provider',
  refundWindowDays: undefined,
  partialRefunds: true,
  events: false,
};

/** `keyed`: like Stripe. `bare`: keeps no keys and cannot be asked, so that only people find out (reliability row 10). */
export const CAPABILITY_SETS = {
  keyed: {
    ...COMMON,
    idempotencyWindowMs: KEY_WINDOW_MS,
    lookupByReference: true,
    cancelChallenge: true,
    events: true,
  },
  bare: COMMON,
} as const satisfies Record<string, Capabilities>;
export type ProviderName = keyof typeof CAPABILITY_SETS;

export function createDesk(name: ProviderName, bank: Bank): ProviderDesk {
  return {
    name,
    capabilities: CAPABILITY_SETS[name],
    bank,
    answers: new Map(),
    actedAtMs: new Map(),
    calls: [],
    facts: new Map(),
  };
}

// A request is given up for lost after at most the provider timeout; until then it may still arrive.
const LATE_MAX_MS = 20_000;
// Copies that a provider answers from lag behind by so much.
const STALE_FOR_MS = 30_000;

/** The adapter as one instance has it: each call is two steps, the request's arrival and its answer's, both with faults. */
export function createSimulatedProvider(
  desk: ProviderDesk,
  instance: string,
  world: ProviderWorld,
): Provider {
  const { bank } = desk;
  const { scheduler, faults } = world;

  const isKeyed = desk.capabilities.idempotencyWindowMs > 0;
  const perform = (attempt: Attempt, act: () => Outcome): Outcome => {
    const known = desk.answers.get(attempt.providerKey);
    if (isKeyed && known !== undefined && world.nowMs() - known.atMs < KEY_WINDOW_MS) return known.outcome;
    const outcome = act();
    desk.answers.set(attempt.providerKey, { outcome, atMs: world.nowMs() });
    desk.actedAtMs.set(attempt.operationId, world.nowMs());
    return outcome;
  };

  const arrive = (verb: string, attempt: Attempt, act: () => Outcome): Outcome => {
    if (faults.strikes('call_not_sent')) return { kind: 'not_sent', reason: 'no connection to the provider' };
    const { operationId, providerKey } = attempt;
    desk.calls.push({ verb, operationId, providerKey, atMs: world.nowMs() });
    if (faults.strikes('call_lost')) return { kind: 'unknown', reason: 'no answer in time' };
    if (faults.strikes('call_late')) {
      const atMs = world.nowMs() + world.dice.between(1, LATE_MAX_MS);
      world.later(atMs, `receives a late call for ${operationId}`, () => void perform(attempt, act));
      return { kind: 'unknown', reason: 'no answer in time' };
    }
    if (faults.strikes('credentials_revoked'))
      return {
        kind: 'declined',
        failure: failureOf('provider_credentials_rejected'),
        beforeCharge: true,
      };
    const isFirst = !desk.answers.has(providerKey);
    if (isKeyed && isFirst && faults.strikes('call_error_kept')) {
      if (world.dice.chance(0.5)) perform(attempt, act);
      const outcome = {
        kind: 'unknown',
        reason: 'the provider answered 500',
        onlyLookupTells: true,
      } as const;
      desk.answers.set(providerKey, { outcome, atMs: world.nowMs() });
      return outcome;
    }
    return perform(attempt, act);
  };

  /** The request arrives, and something may come between before its answer does. */
  const send = async (verb: string, attempt: Attempt, act: () => Outcome): Promise<Outcome> => {
    const what = `${verb} ${attempt.operationId} at ${desk.name}`;
    const outcome = await scheduler.ask(instance, what, () => {
      const arrived = arrive(verb, attempt, act);
      world.tell(`${instance}  ${what}: ${wordsOf(arrived)}`);
      return arrived;
    });
    return await scheduler.ask(instance, `answer of ${what}`, () => {
      if (faults.strikes('adapter_throws')) throw new Error('simulated: the adapter fails');
      if (!faults.strikes('call_answer_lost')) return outcome;
      world.tell(`${instance}  answer of ${what}: lost`);
      return { kind: 'unknown', reason: 'the answer was lost' } as const;
    });
  };

  const look = async <T extends { kind: string } | undefined>(
    what: string,
    read: () => T,
    unheard: T,
  ): Promise<T> =>
    await scheduler.ask(instance, what, () => {
      const found = faults.strikes('lookup_failed') ? unheard : read();
      world.tell(`${instance}  ${what}: ${wordsOf(found)}`);
      return found;
    });

  const find = async (attempt: Attempt): Promise<Lookup> =>
    await look<Lookup>(
      `look up ${attempt.operationId} at ${desk.name}`,
      () => {
        const actedAtMs = desk.actedAtMs.get(attempt.operationId);
        const isFresh = actedAtMs !== undefined && world.nowMs() - actedAtMs < STALE_FOR_MS;
        return isFresh && faults.strikes('lookup_stale') ? { kind: 'absent' } : bank.find(attempt);
      },
      { kind: 'unknown', reason: 'the lookup failed' },
    );

  const refuse = (): never => {
    throw new Error(`${desk.name} declares no such thing`);
  };

  return {
    name: desk.name,
    capabilities: desk.capabilities,
    needsVault: () => false,
    checkAmount() {},
    charge: async (attempt: ChargeAttempt) => await send('charge', attempt, () => bank.charge(attempt)),
    openHostedPage: refuse,
    retrieve: async ({ operationId }, reference) =>
      await look<Outcome>(`retrieve ${operationId} at ${desk.name}`, () => bank.retrieve(reference), {
        kind: 'unknown',
        reason: 'no answer in time',
      }),
    lookup: desk.capabilities.lookupByReference ? find : refuse,
    cancelChallenge: async ({ operationId }, reference) =>
      await look<Outcome>(`withdraw ${operationId} at ${desk.name}`, () => bank.cancelChallenge(reference), {
        kind: 'unknown',
        reason: 'no answer in time',
      }),
    followUp: async (attempt: FollowUpAttempt) =>
      await send(attempt.kind, attempt, () => bank.followUp(attempt)),
    lookupFollowUp: desk.capabilities.lookupByReference ? find : refuse,
    async standing(_account, reference) {
      const label = `standing of ${reference} at ${desk.name}`;
      return await scheduler.ask(instance, label, () => {
        const standing = faults.strikes('lookup_failed') ? undefined : bank.standing(reference);
        world.tell(`${instance}  ${label}: ${standing?.state ?? 'no answer'}`);
        return standing;
      });
    },
    readDispute: refuse,
    readEvent(_account, rawBody) {
      const fact = desk.facts.get(rawBody.toString());
      if (fact === undefined) throw new AppError('signature_invalid');
      return fact;
    },
    peekEvent: () => undefined,
    howToFindOut: ({ operationId }) => `Ask the simulated bank about ${operationId}.`,
    checkCredentials: refuse,
  };
}

function wordsOf(outcome: Lookup | { kind: string } | undefined): string {
  if (outcome === undefined) return 'no answer';
  const { kind } = outcome;
  if ('failure' in outcome) return `${kind} ${outcome.failure.code}`;
  if ('reason' in outcome) return `${kind}, ${outcome.reason}`;
  return kind;
}
