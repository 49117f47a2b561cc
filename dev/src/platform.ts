import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsFiles } from '@centra/service-kit/tls.ts';
import { startEmbeddedPostgres, stopLeftOverPostgres } from '@centra/testkit/embedded-postgres.ts';
import { freePort, freePortOr } from '@centra/testkit/free-port.ts';
import { hasRedisServer, startRedisServer } from '@centra/testkit/redis-server.ts';
import type { RedisServer } from '@centra/testkit/redis-server.ts';
import type { Child } from './child.ts';
import { provisionDatabases } from './databases.ts';
import { writeKeys } from './keys.ts';
import { endLeftOvers, forgetProcesses, rememberProcesses } from './left-overs.ts';
import { local } from './plan.ts';
import type { AppName, ExtraSimulator, Plan, ServiceName } from './plan.ts';
import { startServices } from './services.ts';

export type Platform = {
  gatewayUrl: string;
  gatewayOpsUrl: string;
  stripeUrl: string;
  vaulteraUrl: string;
  /** Undefined unless asked for. */
  extraUrls: Readonly<Record<ExtraSimulator, string>> | undefined;
  /** Service name to its operators' listener. */
  opsUrls: Readonly<Record<AppName, string>>;
  /** Service name to host:port of its gRPC door. */
  grpc: Readonly<Record<'auth' | 'merchant' | 'payment-api' | 'transaction', string>>;
  /** postgres://… of the superuser. */
  postgresUrl: string;
  postgresPid: number;
  databaseUrls: Readonly<Record<string, string>>;
  dataDir: string;
  logFolder: string;
  /** Where auth's mails lie. */
  maildir: string;
  /** The certificate of a service, or of one of its callers. */
  tlsFiles(name: string): TlsFiles;
  redis: RedisServer | undefined;
  child(name: ServiceName): Child;
  /** How a process was started, for another one like it. */
  plan(name: ServiceName): Plan;
  stop(): Promise<void>;
};

export type PlatformOptions = {
  dataDir: string;
  /** The documented ports where they are free, or any free ones (tests, second copies). */
  ports: 'documented' | 'free';
  say(line: string): void;
  /** Also the simulators of providers that can be connected and tested only; off by default, they cost three processes. */
  extraSimulators?: boolean;
  /** Started when the machine has one; false leaves limits to each process. */
  redis?: boolean;
  /** Variables on top of the platform's own, by process. */
  env?: Partial<Record<ServiceName, Readonly<Record<string, string>>>>;
  postgresSettings?: Readonly<Record<string, string>>;
  onCrash?(name: string, code: number | null, signal: string | null, lastLines: string): void;
};

export const DOCUMENTED_PORTS = {
  gateway: 8080,
  gatewayOps: 9080,
  auth: 8001,
  authGrpc: 50_051,
  authOps: 9001,
  merchant: 8002,
  merchantGrpc: 50_055,
  merchantOps: 9002,
  paymentApi: 8004,
  paymentApiGrpc: 50_054,
  paymentApiOps: 9004,
  transactionGrpc: 50_053,
  transactionOps: 9053,
  stripe: 12_111,
  vaultera: 12_222,
  paypal: 12_333,
  payzone: 12_444,
  tempo: 12_555,
  postgres: 54_329,
} as const;

export type PortName = keyof typeof DOCUMENTED_PORTS;
export type Ports = Record<PortName, number>;

const PORT_NAMES = Object.keys(DOCUMENTED_PORTS).filter((name): name is PortName => name in DOCUMENTED_PORTS);

/** Every service as a process of its own on an embedded Postgres, with the provider simulators for the outside world. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { dataDir, say } = options;
  const logFolder = join(dataDir, 'logs');
  mkdirSync(logFolder, { recursive: true });
  await endLeftOvers(dataDir);
  await stopLeftOverPostgres(join(dataDir, 'postgres'));
  const ports = await choosePorts(options);
  const keys = writeKeys(join(dataDir, 'keys'));
  const postgres = await startEmbeddedPostgres({
    dataDir: join(dataDir, 'postgres'),
    port: ports.postgres,
    ...(options.postgresSettings === undefined ? {} : { settings: options.postgresSettings }),
  });
  if (postgres.dataDir !== join(dataDir, 'postgres'))
    say(`Postgres: its own user cannot reach this folder; its data lies in ${postgres.dataDir}.`);
  const stops: (() => Promise<void>)[] = [() => postgres.stop()];
  try {
    const databaseUrls = await provisionDatabases(postgres.url);
    const redis = options.redis === false || !hasRedisServer() ? undefined : await startRedisServer();
    if (redis !== undefined) stops.push(() => redis.stop());
    say(
      redis === undefined
        ? 'Redis: none found; each process counts its own rate limits.'
        : `Redis: started on port ${redis.port} for rate limits.`,
    );
    say('Broker: none configured; events wait in the outbox in Postgres.');
    const services = await startServices({
      options,
      ports,
      keys,
      databaseUrls,
      logFolder,
      redisUrl: redis?.url,
    });
    stops.push(services.stop);
    rememberProcesses(dataDir, [...services.pids(), ...(redis === undefined ? [] : [redis.pid])]);
    return {
      gatewayUrl: local(ports.gateway),
      gatewayOpsUrl: local(ports.gatewayOps),
      opsUrls: {
        'api-gateway': local(ports.gatewayOps),
        auth: local(ports.authOps),
        merchant: local(ports.merchantOps),
        'payment-api': local(ports.paymentApiOps),
        transaction: local(ports.transactionOps),
      },
      stripeUrl: local(ports.stripe),
      vaulteraUrl: local(ports.vaultera),
      extraUrls:
        options.extraSimulators === true
          ? { paypal: local(ports.paypal), payzone: local(ports.payzone), tempo: local(ports.tempo) }
          : undefined,
      grpc: {
        auth: `127.0.0.1:${ports.authGrpc}`,
        merchant: `127.0.0.1:${ports.merchantGrpc}`,
        'payment-api': `127.0.0.1:${ports.paymentApiGrpc}`,
        transaction: `127.0.0.1:${ports.transactionGrpc}`,
      },
      postgresUrl: postgres.url,
      postgresPid: postgres.pid,
      databaseUrls,
      dataDir,
      logFolder,
      maildir: join(dataDir, 'mail'),
      tlsFiles: keys.tlsFiles,
      redis,
      child: services.child,
      plan: services.plan,
      async stop() {
        await stopAll(stops);
        forgetProcesses(dataDir);
      },
    };
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

/** Last started, first stopped. */
async function stopAll(stops: (() => Promise<void>)[]): Promise<void> {
  for (const stop of stops.splice(0).toReversed()) await stop();
}

async function choosePorts(options: PlatformOptions): Promise<Ports> {
  const ports: Ports = { ...DOCUMENTED_PORTS };
  for (const name of PORT_NAMES) {
    ports[name] = options.ports === 'free' ? await freePort() : await freePortOr(DOCUMENTED_PORTS[name]);
    if (options.ports === 'documented' && ports[name] !== DOCUMENTED_PORTS[name])
      options.say(`Port ${DOCUMENTED_PORTS[name]} (${name}) is taken; using ${ports[name]}.`);
  }
  return ports;
}
