import { local } from '@centra/dev/plan.ts';
import { createHotel } from '@centra/dev/seed.ts';
import type { Doors, Hotel } from '@centra/dev/seed.ts';
import type { FaultProxy } from '@centra/testkit/fault-proxy.ts';
import { heal } from './heal.ts';
import { raise } from './raise.ts';

/** Every process of ours on the stage; gateway, payment-api and transaction twice, the others once. */
export const REPLICAS = [
  'api-gateway-1',
  'api-gateway-2',
  'payment-api-1',
  'payment-api-2',
  'transaction-1',
  'transaction-2',
  'auth-1',
  'merchant-1',
] as const;
export type ReplicaName = (typeof REPLICAS)[number];

/**
 * Every wire between two parts, named by its far end; each is a fault proxy that balances new connections over the replicas
 * of that end, as a Kubernetes Service does. The two doors are what clients use.
 */
export const LINKS = [
  'door-1',
  'door-2',
  'payment-api',
  'payment-api-grpc',
  'auth',
  'auth-grpc',
  'merchant',
  'merchant-grpc',
  'transaction-grpc',
  'postgres-auth',
  'postgres-merchant',
  'postgres-payment-api',
  'postgres-transaction',
  'redis',
  'stripe',
  'vaultera',
  // Stripe's webhooks on their way to the gateways.
  'webhooks',
] as const;
export type LinkName = (typeof LINKS)[number];

export type Replica = {
  name: ReplicaName;
  pid(): number;
  /** Its own loopback ports, for `setTargets` of a link; 0 for a door that it does not have. */
  ports: { http: number; grpc: number };
  logFile: string;
  isRunning(): boolean;
  kill9(): Promise<void>;
  /** SIGTERM, and waits for its end. */
  stop(): Promise<void>;
  /** Starts it again, with other variables where given, and waits until it is ready. */
  start(env?: Readonly<Record<string, string>>): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  pause(): void;
  resume(): void;
};

/** A hotel on the stage, with its account's id in Stripe's journal. */
export type StageHotel = Hotel & {
  name: string;
  provider: 'stripe' | 'simulator';
  /** Empty for a hotel on the built-in simulator. */
  stripeAccount: string;
};

export type StageOptions = {
  /** A folder that the database's own user may pass through. */
  folder: string;
  /** Variables on top of the stage's own, by replica or by service (`transaction` for both of its replicas). */
  env?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Where the database's files lie; default inside `folder`. A small or loop-mounted disk for the scenarios of disks. */
  postgresDataDir?: string;
  postgresSettings?: Readonly<Record<string, string>>;
  /** By default one on Stripe and one on the built-in simulator. */
  hotels?: readonly { name: string; provider: 'stripe' | 'simulator' }[];
  say(line: string): void;
};

export type Stage = {
  folder: string;
  logFolder: string;
  /** The public addresses, through their links. */
  doors: readonly string[];
  links: Readonly<Record<LinkName, FaultProxy>>;
  replica(name: ReplicaName): Replica;
  hotels: readonly StageHotel[];
  addHotel(wanted: { name: string; provider: 'stripe' | 'simulator' }): Promise<StageHotel>;
  postgres: {
    /** Of the superuser, not through any link. */
    url: string;
    /** Database name by service. */
    databases: Readonly<Record<string, string>>;
    pid(): number;
    dataDir: string;
    isRunning(): boolean;
    /** kill -9 of the whole server. */
    kill9(): Promise<void>;
    /** Starts it again on the same port and folder, and waits until it answers. */
    start(): Promise<void>;
    pause(): void;
    resume(): void;
  };
  /** Undefined where no Redis is installed. */
  redis:
    | { url: string; kill9(): Promise<void>; start(): Promise<void>; flushAll(): Promise<void> }
    | undefined;
  /** A JetStream server of its own, where NATS is installed. No service of ours connects to one yet. */
  nats: { url: string; pid: number } | undefined;
  /** The simulators' own addresses, not through any link: for their control endpoints. */
  stripeUrl: string;
  vaulteraUrl: string;
  /** The simulators' journals on disk. */
  journals: { stripe: string; vaultera: string };
  keyringFile: string;
  /** The certificate of a service, or of one of its callers. */
  tlsFiles: Doors['tlsFiles'];
  /** Replicas that ended by themselves, each with its last lines. Never any. */
  crashes: readonly string[];
  /** Everything that was stopped, paused, cut or made slow runs again, and every replica is ready. */
  heal(): Promise<void>;
  stop(): Promise<void>;
};

const DEFAULT_HOTELS = [
  { name: 'Riad Stripe', provider: 'stripe' },
  { name: 'Riad Simulator', provider: 'simulator' },
] as const;

/** Every service as separate processes behind fault proxies, on a Postgres, Redis and NATS of this stage's own, on free ports. */
export async function startStage(options: StageOptions): Promise<Stage> {
  const raised = await raise(options, { replicas: REPLICAS, links: LINKS });
  const { links, postgres, databases, redis, stripe, vaultera, replicas } = raised;
  const doors: Doors = {
    gatewayUrl: local(links['door-1'].port),
    webhooksUrl: local(links.webhooks.port),
    stripeUrl: stripe.url,
    vaulteraUrl: vaultera.url,
    grpc: {
      auth: `127.0.0.1:${links['auth-grpc'].port}`,
      merchant: `127.0.0.1:${links['merchant-grpc'].port}`,
    },
    tlsFiles: raised.tlsFiles,
  };
  const hotels: StageHotel[] = [];
  const addHotel: Stage['addHotel'] = async (wanted) => {
    const { stripeAccount, ...hotel } = await createHotel(doors, wanted);
    const account = wanted.provider === 'stripe' ? stripeAccount : '';
    const added: StageHotel = { ...hotel, ...wanted, stripeAccount: account };
    hotels.push(added);
    return added;
  };
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => await (stopped ??= raised.stop());
  try {
    // All at once, but always in this order for whoever draws one.
    const wanted = options.hotels ?? DEFAULT_HOTELS;
    const added = await Promise.all(wanted.map(addHotel));
    hotels.splice(0, hotels.length, ...added);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    folder: options.folder,
    logFolder: raised.logFolder,
    doors: [doors.gatewayUrl, local(links['door-2'].port)],
    links,
    replica(name) {
      const replica = replicas.get(name);
      const ports = raised.ports.get(name);
      if (replica === undefined || ports === undefined) throw new Error(`${name} is not on the stage`);
      return { ...replica, name, ports };
    },
    hotels,
    addHotel,
    postgres: { ...postgres, databases },
    redis,
    nats: raised.nats,
    stripeUrl: stripe.url,
    vaulteraUrl: vaultera.url,
    journals: { stripe: stripe.journal, vaultera: vaultera.journal },
    keyringFile: raised.keyringFile,
    tlsFiles: raised.tlsFiles,
    crashes: raised.crashes,
    heal: async () =>
      await heal({ ...raised, simulators: [stripe, vaultera], replicas: [...replicas.values()] }),
    stop,
  };
}
