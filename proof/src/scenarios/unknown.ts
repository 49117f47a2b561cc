import { join } from 'node:path';
import { z } from 'zod';
import { runChaos } from '../chaos.ts';
import { withTransactionDatabase } from '../chaos/at-rest.ts';
import { percentile, readOutages, recoveryMs } from '../chaos/recovery.ts';
import type { Late, Outage } from '../chaos/recovery.ts';
import { readClientLines } from '../chaos/client-lines.ts';
import { RUN_FILES } from '../run-folder.ts';
import { check } from '../scenario.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import type { Stage } from '../stage/stage.ts';
import { operationOfKey } from '../verify/public-ids.ts';

// Promise P3.
const MOST_MS = 60_000;
const ALL_MS = 10 * 60_000;

export const unknown: Scenario = {
  name: 'unknown',
  promise: 'P3: an unknown outcome is resolved, never guessed',
  weight: 2,
  run: async (options) =>
    await runChaos(options, {
      scenario: 'unknown',
      load: {
        workers: 6,
        duplicates: { share: 0.05, copies: 3 },
        lostShare: 0.3,
        // A proof of absence is a minute more than CI has.
        slow: options.profile === 'long' ? ['absent'] : [],
      },
      // Often: a fault strikes the few requests of its few seconds.
      nemesis: { families: ['provider', 'vault', 'network', 'kill', 'postgres'], faultsPerMinute: 20 },
      async atRest(stage) {
        const notSent = readNotSent(join(options.folder, RUN_FILES.client));
        const late = (await readLate(stage)).filter(({ id }) => !notSent.has(id));
        return judge(late, readOutages(join(options.folder, RUN_FILES.nemesis), Date.now()));
      },
    }),
};

/** Every operation that the call that began it did not end: somebody took it up after its attempt was over. */
async function readLate(stage: Stage): Promise<Late[]> {
  return await withTransactionDatabase(stage, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(`
      select id, extract(epoch from created_at)::float8 * 1000 as "createdAt",
             extract(epoch from finished_at)::float8 * 1000 as "finishedAt",
             -- "Not charged" and "not done" are what two empty looks prove; when the first was is forgotten by then.
             coalesce(failure ->> 'code' in ('not_charged', 'not_done'), false) as "wasAbsent"
        from operations where attempt > 1 and finished_at is not null`);
    return z.array(lateSchema).parse(rows);
  });
}

/**
 * Operations whose client was told that nothing was sent: they are not unknown, they wait until the client asks again
 * (docs/decisions/0005), and that may be long.
 */
function readNotSent(clientFile: string): Set<string> {
  const lines = readClientLines(clientFile);
  const told = new Set(
    lines.flatMap((line) => (line.type === 'fail' && line.status === 503 ? [line.id] : [])),
  );
  return new Set(
    lines.flatMap((line) =>
      line.type === 'invoke' && told.has(line.id) ? [operationOfKey(line.merchantId, 'test', line.key)] : [],
    ),
  );
}

const lateSchema = z.object({
  id: z.string(),
  createdAt: z.number(),
  finishedAt: z.number(),
  wasAbsent: z.boolean(),
});

/**
 * What is proven absent counts for the 10 minutes only: the proof itself takes two looks that are a minute apart
 * (reliability row 6).
 */
function judge(late: readonly Late[], outages: readonly Outage[]): Partial<Outcome> {
  const timed = late.map((operation) => ({ ...operation, ms: recoveryMs(operation, outages) }));
  const looked = timed.filter(({ wasAbsent }) => !wasAbsent).map(({ ms }) => ms);
  const tooLate = timed.filter(({ ms }) => ms > ALL_MS).map(({ id, ms }) => `${id} ${ms} ms`);
  const p99 = percentile(looked, 99);
  return {
    checks: [
      check(
        'outcomes were unknown',
        looked.length >= LATE_MIN,
        `${looked.length} operations outlived their call`,
      ),
      check(
        '99 % of unknown outcomes are found out within 60 s of the end of the fault',
        p99 <= MOST_MS,
        `${p99} ms`,
      ),
      check('all of them within 10 minutes', tooLate.length === 0, tooLate.slice(0, 10).join(', ')),
    ],
    counts: {
      unknownOutcomes: late.length,
      provenAbsent: late.length - looked.length,
      recoveryP50Seconds: seconds(percentile(looked, 50)),
      recoveryP99Seconds: seconds(p99),
      recoveryMaxSeconds: seconds(
        percentile(
          timed.map(({ ms }) => ms),
          100,
        ),
      ),
    },
  };
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

// Fewer and the faults have missed what they were meant for.
const LATE_MIN = 3;
