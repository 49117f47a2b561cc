import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from '@centra/testkit/fault-proxy.ts';
import type { Profile } from '../scenario.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import type { LinkName, Stage } from '../stage/stage.ts';

/** What others lean on, with the wires to it. */
export const DEPENDENCIES = {
  auth: ['auth', 'auth-grpc'],
  merchant: ['merchant', 'merchant-grpc'],
  'payment-api': ['payment-api', 'payment-api-grpc'],
  transaction: ['transaction-grpc'],
  'postgres-auth': ['postgres-auth'],
  'postgres-merchant': ['postgres-merchant'],
  'postgres-payment-api': ['postgres-payment-api'],
  'postgres-transaction': ['postgres-transaction'],
  redis: ['redis'],
  stripe: ['stripe'],
  vaultera: ['vaultera'],
} as const satisfies Readonly<Record<string, readonly LinkName[]>>;
export type Dependency = keyof typeof DEPENDENCIES;

export const STATES = ['down', 'hung', 'slow', 'flapping'] as const;
export type State = (typeof STATES)[number];

/** One outage: a dependency in a state. */
export type Cell = { dependency: Dependency; state: State; fault: Fault };

/** All of them in an order of the seed; `short` takes one of each dependency. */
export function drawCells(random: Seeded, profile: Profile): Cell[] {
  const names = Object.keys(DEPENDENCIES).filter(isDependency);
  const all = names.flatMap((dependency) =>
    shuffled(STATES, random).map((state) => ({ dependency, state, fault: faultOf(state, random) })),
  );
  if (profile === 'long') return shuffled(all, random);
  return shuffled(
    all.filter((_cell, nth) => nth % STATES.length === 0),
    random,
  );
}

function isDependency(name: string): name is Dependency {
  return name in DEPENDENCIES;
}

function shuffled<T>(things: readonly T[], random: Seeded): T[] {
  return things
    .map((thing) => ({ thing, place: random.fraction() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ thing }) => thing);
}

function faultOf(state: State, random: Seeded): Fault {
  switch (state) {
    case 'down':
    case 'flapping':
      return { kind: 'refuse' };
    case 'hung':
      return { kind: 'half-open' };
    case 'slow':
      // An answer of some hundred bytes takes as long as the delay does.
      return random.chance(0.5) ? { kind: 'delay', ms: 1_500 } : { kind: 'slow', bytesPerSecond: 300 };
    default:
      throw new Error(`nothing is ${String(state satisfies never)}`);
  }
}

const FLAP_MS = 500;

/** Has the dependency fail; the answer ends it. */
export function beginOutage({ links }: Pick<Stage, 'links'>, cell: Cell): () => Promise<void> {
  const struck = DEPENDENCIES[cell.dependency].map((name) => links[name]);
  const ending = new AbortController();
  const fail = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      for (const link of struck) link.set(cell.fault);
      if (cell.state !== 'flapping') return;
      await pause(FLAP_MS);
      for (const link of struck) link.clear();
      await pause(FLAP_MS);
    }
  };
  const failing = fail();
  return async () => {
    ending.abort();
    await failing;
    for (const link of struck) link.clear();
  };
}

/** What a client asks for during an outage; `own` at the hotel that is on Stripe, `other` at the one that is not. */
export const PROBES = [
  'own charge',
  'own read',
  'own capture',
  'own refund',
  'own quote',
  'other charge',
  'other read',
] as const;
export type Probe = (typeof PROBES)[number];

/** Whether the outage is none of the request's business, so that it must be done as if nothing were wrong. */
export function mustWork(dependency: Dependency, probe: Probe): boolean {
  switch (dependency) {
    case 'redis':
      // Row 25: limits are then counted by each replica for itself.
      return true;
    case 'postgres-payment-api':
      // Replies that cannot be stored are derived. A quote lives there, and nowhere else.
      return probe !== 'own quote';
    case 'stripe':
      return probe === 'own read' || probe === 'own quote' || probe.startsWith('other');
    case 'vaultera':
      // Only a card needs the vault: what follows is between us and Stripe.
      return probe !== 'own charge';
    case 'auth':
    case 'merchant':
    case 'payment-api':
    case 'transaction':
    case 'postgres-auth':
    case 'postgres-merchant':
    case 'postgres-transaction':
      return false;
    default:
      throw new Error(`nobody leans on ${String(dependency satisfies never)}`);
  }
}
