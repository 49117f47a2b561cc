import { dirname, join } from 'node:path';
import { NO_GATEWAY_LIMITS } from '@centra/dev/no-limits.ts';
import { local, planService } from '@centra/dev/plan.ts';
import type { AppName, KeyFiles, OwnPorts, Plan, Wiring } from '@centra/dev/plan.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import type { Links, LinkTargets } from './links.ts';
import type { ReplicaName } from './stage.ts';

/**
 * Short times, so that what production finds out in minutes is found out in seconds here; and no rate limits, since a few
 * hotels do the work of hundreds.
 */
export const STAGE_ENV: Readonly<Partial<Record<AppName, Readonly<Record<string, string>>>>> = {
  transaction: {
    PROVIDER_TIMEOUT_MS: '2000',
    OPERATION_LEASE_MS: '5000',
    SWEEP_INTERVAL_MS: '200',
    HOLD_INTERVAL_MS: '500',
  },
  'payment-api': { SALE_DEADLINE_MS: '8000' },
  'api-gateway': {
    // Above the deadline of payment-api, and the 10 s after which it gives its database up: it answers in its own words.
    PAYMENT_API_TIMEOUT_MS: '13000',
    ...NO_GATEWAY_LIMITS,
  },
};

/** `transaction` of `transaction-2`. */
export function serviceOf(replica: ReplicaName): AppName {
  const names: readonly AppName[] = ['api-gateway', 'payment-api', 'transaction', 'auth', 'merchant'];
  const found = names.find((name) => replica.startsWith(`${name}-`));
  if (found === undefined) throw new Error(`${replica} is a replica of nothing`);
  return found;
}

export type StagePorts = ReadonlyMap<ReplicaName, OwnPorts>;

/** Ports of each replica's own. */
export async function chooseReplicaPorts(names: readonly ReplicaName[]): Promise<StagePorts> {
  const ports = new Map<ReplicaName, OwnPorts>();
  for (const name of names)
    ports.set(name, { http: await freePort(), grpc: await freePort(), ops: await freePort() });
  return ports;
}

type Ends = { postgres: number; redis: number; stripe: number; vaultera: number };

/** What lies at the far end of each link. A door leads to one gateway, so that a client can choose which one it asks. */
export function toTargets(ports: StagePorts, ends: Ends): LinkTargets {
  const doors = (service: AppName, door: keyof OwnPorts): number[] =>
    [...ports].flatMap(([name, own]) => (serviceOf(name) === service ? [own[door]] : []));
  const gateways = doors('api-gateway', 'http');
  return {
    'door-1': gateways.slice(0, 1),
    'door-2': gateways.slice(1, 2),
    'payment-api': doors('payment-api', 'http'),
    'payment-api-grpc': doors('payment-api', 'grpc'),
    auth: doors('auth', 'http'),
    'auth-grpc': doors('auth', 'grpc'),
    merchant: doors('merchant', 'http'),
    'merchant-grpc': doors('merchant', 'grpc'),
    'transaction-grpc': doors('transaction', 'grpc'),
    'postgres-auth': [ends.postgres],
    'postgres-merchant': [ends.postgres],
    'postgres-payment-api': [ends.postgres],
    'postgres-transaction': [ends.postgres],
    redis: [ends.redis],
    stripe: [ends.stripe],
    vaultera: [ends.vaultera],
    webhooks: gateways,
  };
}

type Parts = {
  links: Links;
  ports: StagePorts;
  /** Direct ones. */
  databaseUrls: Readonly<Record<string, string>>;
  redisUrl: string | undefined;
  keys: KeyFiles;
  keyringFile: string;
};

/** How each replica is started: everything it calls is called through a link. */
export function planReplicas({ links, ports, databaseUrls, redisUrl, keys, keyringFile }: Parts): {
  name: ReplicaName;
  plan: Plan;
}[] {
  const at = (link: keyof Links): string => `127.0.0.1:${links[link].port}`;
  const database = (service: 'auth' | 'merchant' | 'payment-api' | 'transaction'): [string, string] => [
    service,
    links[`postgres-${service}`].through(databaseUrls[service] ?? ''),
  ];
  const wiring: Wiring = {
    authUrl: local(links.auth.port),
    merchantUrl: local(links.merchant.port),
    paymentApiUrl: local(links['payment-api'].port),
    stripeUrl: local(links.stripe.port),
    vaulteraUrl: local(links.vaultera.port),
    gatewayUrl: local(links['door-1'].port),
    authGrpc: at('auth-grpc'),
    merchantGrpc: at('merchant-grpc'),
    transactionGrpc: at('transaction-grpc'),
    redisUrl: redisUrl === undefined ? undefined : links.redis.through(redisUrl),
    databaseUrls: Object.fromEntries([
      database('auth'),
      database('merchant'),
      database('payment-api'),
      database('transaction'),
    ]),
    opsPorts: Object.fromEntries([...ports].map(([name, own]) => [name, own.ops])),
    keys,
    keyringFile,
    maildir: join(dirname(keyringFile), '..', 'mail'),
  };
  return [...ports].map(([name, own]) => ({ name, plan: planService(serviceOf(name), own, wiring) }));
}
