import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@centra/dev/child.ts';
import { SERVICE_DATABASES, provisionDatabases } from '@centra/dev/databases.ts';
import { writeKeys } from '@centra/dev/keys.ts';
import type { KeyFiles } from '@centra/dev/plan.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { closeLinks, startLinks } from './links.ts';
import type { Links } from './links.ts';
import { startProcess } from './replicas.ts';
import type { ProcessOptions, StageProcess } from './replicas.ts';
import { startSimulator } from './simulators.ts';
import type { StageSimulator } from './simulators.ts';
import type { LinkName, ReplicaName, StageOptions } from './stage.ts';
import { startStageNats, startStagePostgres, startStageRedis } from './stores.ts';
import type { StageNats, StagePostgres, StageRedis } from './stores.ts';
import { startWatchdog } from './watchdog.ts';
import { chooseReplicaPorts, planReplicas, serviceOf, STAGE_ENV, toTargets } from './wiring.ts';
import type { StagePorts } from './wiring.ts';

/** Everything that runs on a stage. */
export type Raised = {
  logFolder: string;
  keyringFile: string;
  tlsFiles: KeyFiles['tlsFiles'];
  links: Links;
  postgres: StagePostgres;
  databases: Readonly<Record<string, string>>;
  redis: StageRedis | undefined;
  nats: StageNats | undefined;
  stripe: StageSimulator;
  vaultera: StageSimulator;
  replicas: ReadonlyMap<ReplicaName, StageProcess>;
  ports: StagePorts;
  crashes: string[];
  stop(): Promise<void>;
};

type Names = { replicas: readonly ReplicaName[]; links: readonly LinkName[] };
type Stops = (() => Promise<void>)[];
type Common = Omit<ProcessOptions, 'name' | 'plan'>;

/** Starts what others need first, all of it at once, and then every replica at once. Leaves nothing behind when one fails. */
export async function raise(options: StageOptions, names: Names): Promise<Raised> {
  const stops: Stops = [];
  try {
    return await raiseAll(options, names, stops);
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

async function raiseAll(options: StageOptions, names: Names, stops: Stops): Promise<Raised> {
  const { folder } = options;
  const logFolder = join(folder, 'logs');
  mkdirSync(logFolder, { recursive: true });
  const keys = writeKeys(join(folder, 'keys'));
  const keyringFile = join(folder, 'keys', 'keyring.json');
  const watchdog = startWatchdog();
  stops.push(async () => await watchdog.end());
  const crashes: string[] = [];
  const compileCache = join(repositoryRoot, '.cache', 'compile');
  const common: Common = { env: {}, logFolder, compileCache, watchdog, crashes };
  const ground = await raiseGround(options, common, stops);
  const ports = await chooseReplicaPorts(names.replicas);
  const ends = {
    postgres: ground.postgres.port,
    redis: ground.redis?.port ?? (await freePort()),
    stripe: ground.stripe.port,
    vaultera: ground.vaultera.port,
  };
  const links = await startLinks(names.links, toTargets(ports, ends));
  stops.push(async () => await closeLinks(links));
  const parts = { links, ports, databaseUrls: ground.databaseUrls, redisUrl: ground.redis?.url };
  const replicas = await raiseReplicas(options, common, planReplicas({ ...parts, keys, keyringFile }), stops);
  return {
    ...ground,
    logFolder,
    keyringFile,
    tlsFiles: keys.tlsFiles,
    links,
    databases: Object.fromEntries(SERVICE_DATABASES.map(({ service, database }) => [service, database])),
    replicas,
    ports,
    crashes,
    stop: async () => await stopAll(stops),
  };
}

type Ground = Pick<Raised, 'postgres' | 'redis' | 'nats' | 'stripe' | 'vaultera'> & {
  databaseUrls: Readonly<Record<string, string>>;
};

/** What the services stand on. */
async function raiseGround(options: StageOptions, common: Common, stops: Stops): Promise<Ground> {
  const { folder } = options;
  const simulators = join(folder, 'simulators');
  const started = await Promise.allSettled([
    startDatabases(options, common, stops),
    kept(startStageRedis(common.watchdog), stops, async (redis) => await redis?.stop()),
    kept(startStageNats(folder, common.watchdog), stops, async (nats) => await nats?.stop()),
    kept(startSimulator('stripe', simulators, common), stops, async ({ process }) => await process.close()),
    kept(startSimulator('vaultera', simulators, common), stops, async ({ process }) => await process.close()),
  ]);
  return {
    ...valueOf(started[0]),
    redis: valueOf(started[1]),
    nats: valueOf(started[2]),
    stripe: valueOf(started[3]),
    vaultera: valueOf(started[4]),
  };
}

async function startDatabases(
  options: StageOptions,
  { watchdog }: Common,
  stops: Stops,
): Promise<Pick<Ground, 'postgres' | 'databaseUrls'>> {
  const postgres = await kept(
    startStagePostgres(options, watchdog),
    stops,
    async (each) => await each.stop(),
  );
  return { postgres, databaseUrls: await provisionDatabases(postgres.url) };
}

async function raiseReplicas(
  options: StageOptions,
  common: Common,
  planned: ReturnType<typeof planReplicas>,
  stops: Stops,
): Promise<Map<ReplicaName, StageProcess>> {
  const replicas = new Map<ReplicaName, StageProcess>();
  const close = async (names: readonly ReplicaName[]): Promise<void> =>
    void (await Promise.all(names.map(async (name) => await replicas.get(name)?.close())));
  stops.push(async () => {
    // The doors first, so that what is under way inside can finish.
    await close([...replicas.keys()].filter(isDoor));
    await close([...replicas.keys()].filter((name) => !isDoor(name)));
  });
  const started = await Promise.allSettled(
    planned.map(async ({ name, plan }) => {
      const service = serviceOf(name);
      const env = { ...STAGE_ENV[service], ...options.env?.[service], ...options.env?.[name] };
      replicas.set(name, await startProcess({ ...common, name, plan, env }));
    }),
  );
  for (const each of started) valueOf(each);
  return replicas;
}

function isDoor(name: ReplicaName): boolean {
  return serviceOf(name) === 'api-gateway';
}

/** Once it has started it is also stopped, whatever becomes of the others. */
async function kept<T>(starting: Promise<T>, stops: Stops, stop: (started: T) => Promise<void>): Promise<T> {
  const started = await starting;
  stops.push(async () => await stop(started));
  return started;
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

/** Last started, first stopped; each of them, whatever became of the one before. */
async function stopAll(stops: Stops): Promise<void> {
  const failures: unknown[] = [];
  for (const stop of stops.splice(0).toReversed())
    await stop().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, 'the stage did not stop in order');
}
