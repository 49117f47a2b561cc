import { waitFor } from '@centra/testkit/pause.ts';
import { request } from 'undici';
import type { Links } from './links.ts';
import type { StageProcess } from './replicas.ts';
import type { StageSimulator } from './simulators.ts';
import type { StagePostgres, StageRedis } from './stores.ts';

export type Parts = {
  links: Links;
  postgres: StagePostgres;
  redis: StageRedis | undefined;
  simulators: readonly StageSimulator[];
  replicas: readonly StageProcess[];
};

// A database that recovers, and a dozen processes that connect to it again on a busy machine.
const READY_TIMEOUT_MS = 90_000;
const PROBE_TIMEOUT_MS = 2_000;

/** Lets go of, clears and starts again whatever needs it, what others need first; ends when every replica takes work. */
export async function heal({ links, postgres, redis, simulators, replicas }: Parts): Promise<void> {
  for (const link of Object.values(links)) link.clear();
  postgres.resume();
  const processes = [...simulators.map((simulator) => simulator.process), ...replicas];
  for (const each of processes) if (each.isRunning()) each.resume();
  await Promise.all([
    postgres.start(),
    redis?.start(),
    ...simulators.map(async (simulator) => {
      if (!simulator.process.isRunning()) await simulator.process.start();
      await simulator.calm();
    }),
  ]);
  await Promise.all(
    replicas.map(async (replica) => {
      if (!replica.isRunning()) await replica.start();
    }),
  );
  await Promise.all(replicas.map(waitUntilReady));
}

async function waitUntilReady({ name, readyUrl }: StageProcess): Promise<void> {
  const isReady = async (): Promise<true | undefined> => {
    try {
      const answer = await request(readyUrl, {
        headersTimeout: PROBE_TIMEOUT_MS,
        bodyTimeout: PROBE_TIMEOUT_MS,
      });
      await answer.body.dump();
      return answer.statusCode === 200 ? true : undefined;
    } catch {
      return undefined;
    }
  };
  await waitFor(`${name} to be ready again`, isReady, READY_TIMEOUT_MS);
}
