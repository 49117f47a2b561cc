import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { SeedResult } from './run-seed.ts';
import { createSimulationDatabases } from './simulation-database.ts';

export type SeedsOptions = {
  /** postgres://… of the superuser. */
  serverUrl: string;
  from: number;
  count: number;
  /** Threads, each with a database of its own. */
  threads: number;
  /** Also the stories of seeds that passed. */
  allStories?: boolean;
};

/** One thread's share. */
export type Share = { url: string; seeds: number[]; allStories: boolean };

const resultSchema = z.object({
  seed: z.number(),
  violations: z.array(z.string()),
  story: z.array(z.string()),
  digest: z.string(),
});

/** Plays so many seeds, spread over threads; answers in the order of the seeds. Throws when a thread dies. */
export async function runSeeds(options: SeedsOptions): Promise<SeedResult[]> {
  const { from, count, threads } = options;
  const databases = await createSimulationDatabases(options.serverUrl, threads);
  try {
    const shares = databases.urls.map((url, index): Share => {
      const seeds = Array.from({ length: count }, (_, nth) => from + nth);
      const own = seeds.filter((_, nth) => nth % threads === index);
      return { url, seeds: own, allStories: options.allStories ?? false };
    });
    const results = await Promise.all(shares.map(runShare));
    return results.flat().toSorted((a, b) => a.seed - b.seed);
  } finally {
    await databases.drop();
  }
}

async function runShare(share: Share): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), { workerData: share });
  worker.on('message', (message: unknown) => void results.push(resultSchema.parse(message)));
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`)),
    );
  });
  if (results.length !== share.seeds.length) throw new Error('a thread ended before its seeds');
  return results;
}
