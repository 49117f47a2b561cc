import { FAKETIME, findTool } from '@centra/testkit/ensure-tool.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { read } from '../load/ask.ts';
import type { Profile } from '../scenario.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import { REPLICAS } from '../stage/stage.ts';
import type { ReplicaName, Stage } from '../stage/stage.ts';

/** Replicas whose clock is so many days off. */
export type Lie = { replicas: readonly ReplicaName[]; days: number };

/** Longer than the shortest hold of any provider, as promise P17 has it. */
const DAYS = 8;

const LIARS: Readonly<Record<Profile, readonly (readonly ReplicaName[])[]>> = {
  short: [['api-gateway-2'], ['payment-api-2'], ['transaction-2'], ['transaction-1', 'transaction-2']],
  long: [
    ['api-gateway-2'],
    ['payment-api-2'],
    ['transaction-2'],
    ['transaction-1', 'transaction-2'],
    ['auth-1'],
    ['merchant-1'],
  ],
};

// Half of the single ones; the seed says which.
const SINGLE_IN_SHORT = 4;

/**
 * One service at a time, ahead and behind, in the seed's order, and all of them together: then they believe each other, and
 * only the database and the providers know what day it is.
 */
export function drawLies(profile: Profile, random: Seeded): Lie[] {
  const left = LIARS[profile].flatMap((replicas) => [DAYS, -DAYS].map((days): Lie => ({ replicas, days })));
  const drawn: Lie[] = [];
  while (left.length > 0) drawn.push(...left.splice(random.between(0, left.length - 1), 1));
  const everybody = [DAYS, -DAYS].map((days): Lie => ({ replicas: REPLICAS, days }));
  // Ahead is where a hold could end too early; eight processes are restarted for each of these.
  return profile === 'long'
    ? [...drawn, ...everybody]
    : [...drawn.slice(0, SINGLE_IN_SHORT), ...everybody.slice(0, 1)];
}

export function nameOf({ replicas, days }: Lie): string {
  const who = isEverybody({ replicas }) ? 'every service' : replicas.join(' and ');
  return `${who} ${days > 0 ? `${days} days ahead` : `${-days} days behind`}`;
}

export function isEverybody({ replicas }: Pick<Lie, 'replicas'>): boolean {
  return replicas.length === REPLICAS.length;
}

/** Undefined where libfaketime is not installed. */
export function findLibrary(): string | undefined {
  return findTool(FAKETIME);
}

/** Starts them again with the wrong clock; only the time of day lies, timers and leases in memory run as ever. */
export async function tell(stage: Stage, { replicas, days }: Lie, library: string): Promise<void> {
  await restart(stage, replicas, {
    LD_PRELOAD: library,
    FAKETIME: `${days > 0 ? '+' : '-'}${Math.abs(days)}d`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
}

/** Starts them again with the machine's own clock. */
export async function tellTruth(stage: Stage, { replicas }: Lie): Promise<void> {
  await restart(stage, replicas, {});
}

async function restart(
  stage: Stage,
  replicas: readonly ReplicaName[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  await Promise.all(
    replicas.map(async (name) => {
      const replica = stage.replica(name);
      await replica.stop();
      await replica.start(env);
    }),
  );
  await untilAcquainted(stage);
}

// Processes that were all started at once have yet to connect to each other, and on a busy machine that takes seconds.
const ACQUAINTED_TIMEOUT_MS = 30_000;

/** Waits until each door answers a reading, be it with a refusal: whoever lies may stay a stranger. */
async function untilAcquainted({ doors, hotels: [hotel] }: Stage): Promise<void> {
  if (hotel === undefined) throw new Error('there is no hotel');
  for (const door of doors)
    await waitFor(
      `${door} to answer`,
      async () => {
        const { status } = await read(door, hotel, '/v1/payments?limit=1');
        return status === 0 || status === 503 ? undefined : true;
      },
      ACQUAINTED_TIMEOUT_MS,
    ).catch(() => undefined);
}
