import type { Fault } from '@centra/testkit/fault-proxy.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import { LINKS, REPLICAS } from '../stage/stage.ts';
import type { LinkName, ReplicaName } from '../stage/stage.ts';
import type { FaultFamily } from './nemesis.ts';
import type { PlannedFault } from './planned-fault.ts';
import { drawStripeSwitch, drawVaulteraSwitch } from './simulator-switches.ts';

/** A fault of one of these families; everything about it comes from the seed. */
export function drawFault(random: Seeded, families: readonly FaultFamily[]): PlannedFault {
  return DRAW[random.oneOf(families)](random);
}

const DRAW: Readonly<Record<FaultFamily, (random: Seeded) => PlannedFault>> = {
  kill: drawKill,
  pause: drawPause,
  network: drawNetwork,
  redis: (random) =>
    random.chance(0.5)
      ? { kind: 'redis-flush', name: 'redis flushall', holdMs: 0 }
      : { kind: 'redis-kill', name: 'redis kill -9', holdMs: random.between(500, 4_000) },
  postgres: (random) =>
    random.chance(0.5)
      ? { kind: 'postgres-kill', name: 'postgres kill -9', holdMs: random.between(1_000, 3_000) }
      : { kind: 'postgres-pause', name: 'postgres SIGSTOP', holdMs: random.between(2_000, 4_000) },
  provider: (random) => simulator('stripe', drawStripeSwitch(random), random),
  vault: (random) => simulator('vaultera', drawVaulteraSwitch(random), random),
};

const PAIRS: readonly (readonly ReplicaName[])[] = [
  ['api-gateway-1', 'api-gateway-2'],
  ['payment-api-1', 'payment-api-2'],
  ['transaction-1', 'transaction-2'],
];

/** Now and then a whole service is gone. */
function drawKill(random: Seeded): PlannedFault {
  const replicas = random.chance(0.2) ? random.oneOf(PAIRS) : [random.oneOf(REPLICAS)];
  const name = replicas.length === 1 ? 'kill -9' : 'kill -9 of both';
  return { kind: 'kill', name, replicas, holdMs: random.between(500, 4_000) };
}

/** Half of them sleep past the lease of an operation, 5 s on the stage, and wake up as holders of nothing. */
function drawPause(random: Seeded): PlannedFault {
  const replica = random.oneOf(REPLICAS);
  const isLong = random.chance(0.5);
  return {
    kind: 'pause',
    name: isLong ? 'SIGSTOP past the lease' : 'SIGSTOP',
    replica,
    holdMs: isLong ? random.between(6_000, 10_000) : random.between(200, 2_000),
  };
}

function drawNetwork(random: Seeded): PlannedFault {
  const link = random.oneOf(LINKS);
  const fault = random.oneOf(NETWORK)(random, link);
  return {
    kind: 'network',
    name: `network ${fault.kind}`,
    link,
    fault,
    holdMs: random.between(1_000, 5_000),
  };
}

const NETWORK: readonly ((random: Seeded, link: LinkName) => Fault)[] = [
  (random) => ({ kind: 'delay', ms: random.between(50, 800) }),
  (random) => ({ kind: 'slow', bytesPerSecond: random.between(200, 4_000) }),
  (random, link) => ({ kind: 'cut-after-request', times: random.between(1, 8), ...drawMatch(random, link) }),
  (random, link) => ({ kind: 'lose-reply', times: random.between(1, 8), ...drawMatch(random, link) }),
  () => ({ kind: 'reset' }),
  () => ({ kind: 'refuse' }),
  () => ({ kind: 'half-open' }),
];

/** Half of the time what moves money on that wire, else whatever comes first. */
function drawMatch(random: Seeded, link: LinkName): { match?: string } {
  const isAny = random.chance(0.5);
  const matches = MATCHES[link];
  return isAny || matches === undefined ? {} : { match: random.oneOf(matches) };
}

// Named statements travel by their names: what begins an operation, and what writes how it ended. Bodies and paths of HTTP/1
// are plain text as well.
const PUBLIC_WRITES = ['POST /v1/charge', 'POST /v1/payments', '/capture', '/refund', '/cancel'];
const MATCHES: Readonly<Partial<Record<LinkName, readonly string[]>>> = {
  'postgres-transaction': [
    'begin-operations',
    'write-transitions',
    'register-payment',
    'begin-on-created',
    'begin-capture',
    'begin-void',
    'begin-refund',
    'begin-adjust',
    'claim-due-operations',
    'store-provider-event',
  ],
  'postgres-payment-api': ['store_replies', 'read_reply'],
  'door-1': PUBLIC_WRITES,
  'door-2': PUBLIC_WRITES,
  'payment-api': PUBLIC_WRITES,
  stripe: ['POST /v1/payment_intents', 'POST /v1/refunds', '/capture', '/cancel'],
  vaultera: ['/send'],
  webhooks: ['POST /v1/webhooks/stripe'],
};

function simulator(
  name: 'stripe' | 'vaultera',
  behaviour: Extract<PlannedFault, { kind: 'simulator' }>['behaviour'],
  random: Seeded,
): PlannedFault {
  const holdMs = random.between(2_000, 6_000);
  return { kind: 'simulator', name: `${name} ${behaviour.fault}`, simulator: name, behaviour, holdMs };
}
