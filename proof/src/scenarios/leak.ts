import { relative } from 'node:path';
import type { Canary } from '@centra/testkit/leak-scan.ts';
import { runChaos } from '../chaos.ts';
import { untilRest } from '../chaos/at-rest.ts';
import { canariesOf, newWebhookSecret } from '../leak/canaries.ts';
import { gatherEvidence } from '../leak/evidence.ts';
import { provoke } from '../leak/provoke.ts';
import { scanRun } from '../leak/scan-run.ts';
import { check } from '../scenario.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import { REPLICAS } from '../stage/stage.ts';
import type { Stage } from '../stage/stage.ts';
import { readBooks } from '../verify/books.ts';
import { openEverything } from '../verify/judge-sealing.ts';

// Two looks a minute apart prove that nothing was done; what takes longer is not at rest.
const REST_MAX_MS = 90_000;

/**
 * A run with load and faults, and canary cards and secrets where they belong and where they do not; then everything that it
 * left anywhere is scanned for each of them in every spelling (I24).
 */
export const leak: Scenario = {
  name: 'leak',
  promise: 'P13: no card data or secret at rest or in logs',
  weight: 1,
  async run(options) {
    const { folder, say } = options;
    const canaries: Canary[] = [];
    const elsewhere: string[] = [];
    const outcome = await runChaos(options, {
      scenario: 'leak',
      load: { workers: 3, duplicates: { share: 0.2, copies: 3 } },
      nemesis: { families: ['kill', 'provider', 'vault'] },
      async atRest(stage) {
        const webhookSecret = newWebhookSecret();
        canaries.push(...canariesOf(stage), {
          name: 'rotated webhook secret',
          kind: 'secret',
          value: webhookSecret,
        });
        const { dataDir } = stage.postgres;
        if (relative(folder, dataDir).startsWith('..')) elsewhere.push(dataDir);
        return await leakEverywhere(stage, folder, webhookSecret);
      },
    });
    // Keys that only the hotels' sealed credentials hold: Stripe's own webhook secrets, and the hotels' data keys.
    for (const { name, clear } of openEverything(readBooks(folder)))
      canaries.push({ name, kind: 'secret', value: isText(clear) ? clear.toString() : clear });
    say(`scanning for ${canaries.length} canaries`);
    const { checks, counts } = scanRun(folder, distinct(canaries), elsewhere);
    return {
      checks: [...outcome.checks, ...checks],
      // Judged here.
      notes: outcome.notes.filter((note) => !note.startsWith('I24 ')),
      counts: { ...outcome.counts, ...counts },
    };
  },
};

async function leakEverywhere(
  stage: Stage,
  folder: string,
  webhookSecret: string,
): Promise<Partial<Outcome>> {
  const hotel = stage.hotels.find(({ provider }) => provider === 'stripe');
  if (hotel === undefined) throw new Error('the stage has no hotel on Stripe');
  const provoked = await provoke({ stage, hotel, folder }, webhookSecret);
  const unrest = await untilRest(stage, REST_MAX_MS);
  const { environments, metrics, redisKeys } = await gatherEvidence(stage, folder);
  const open = [...unrest.operations, ...unrest.events];
  const all = REPLICAS.length;
  return {
    checks: [
      ...provoked,
      check('what was provoked comes to rest', open.length === 0, open.join('; ')),
      check(
        'environment and metrics of every process are there to be scanned',
        environments === all && metrics === all,
        `${environments} environments and ${metrics} metrics pages of ${all}`,
      ),
    ],
    counts: { redisKeys },
  };
}

function isText(bytes: Buffer): boolean {
  return /^[\x20-\x7e]+$/.test(bytes.toString('latin1'));
}

/** A hotel's key is known from the hotel and found again in what is sealed. */
function distinct(canaries: readonly Canary[]): Canary[] {
  const known = new Set<string>();
  return canaries.filter(({ value }) => {
    const text = Buffer.from(value).toString('latin1');
    if (known.has(text)) return false;
    known.add(text);
    return true;
  });
}
