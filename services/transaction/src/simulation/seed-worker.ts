import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { openBench } from './bench.ts';
import { runSeed } from './run-seed.ts';

// One thread of a simulation: plays its share of the seeds, one after the other, and tells each result.
const share = z
  .object({ url: z.string(), seeds: z.array(z.number()), allStories: z.boolean() })
  .parse(workerData);
if (parentPort === null) throw new Error('runs as a thread of run-seeds.ts only');
const bench = await openBench(share.url);
try {
  for (const seed of share.seeds) {
    const result = await runSeed(bench, seed);
    const isTold = share.allStories || result.violations.length > 0;
    parentPort.postMessage(isTold ? result : { ...result, story: [] }, []);
  }
} finally {
  await bench.close();
}
