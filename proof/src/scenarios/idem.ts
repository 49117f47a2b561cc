import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { runChaos } from '../chaos.ts';
import { readStripeEffects } from '../chaos/charged-twice.ts';
import { readClientLines, repeatedKeysOf } from '../chaos/client-lines.ts';
import { ask } from '../load/ask.ts';
import { inShort, isReplayed, paymentOf } from '../load/told.ts';
import { RUN_FILES } from '../run-folder.ts';
import { check } from '../scenario.ts';
import type { Check, Profile, Scenario } from '../scenario.ts';
import type { Stage } from '../stage/stage.ts';

// Promise P1 has 500 keys of 50 copies; what CI runs within its minute is smaller.
const SIZES: Readonly<Record<Profile, { copies: number; keysPerMinute: number }>> = {
  short: { copies: 12, keysPerMinute: 10 },
  long: { copies: 50, keysPerMinute: 9 },
};

export const idem: Scenario = {
  name: 'idem',
  promise: 'P1: same key, one effect',
  weight: 2,
  async run(options) {
    const { folder, minutes, profile } = options;
    const { copies, keysPerMinute } = SIZES[profile];
    return await runChaos(options, {
      scenario: 'idem',
      load: { workers: 4, duplicates: { share: 0.7, copies }, slow: profile === 'long' ? ['pending'] : [] },
      nemesis: {
        families: ['kill', 'redis', 'pause', 'network', 'provider', 'postgres'],
        faultsPerMinute: 14,
      },
      async atRest(stage) {
        const keys = repeatedKeysOf(readClientLines(join(folder, RUN_FILES.client)), copies);
        const { payments, twice } = readStripeEffects(stage.journals.stripe);
        const least = Math.ceil(keysPerMinute * minutes);
        const { repeated, reusesRefused } = keys;
        return {
          checks: [
            check(
              `enough keys are sent ${copies} times at once`,
              repeated >= least,
              `${repeated} of ${least}`,
            ),
            check('a key that was used is refused for anything else', reusesRefused > 0, 'never tried'),
            check(
              'no payment is taken or held twice in the journal of Stripe',
              payments > 0 && twice.length === 0,
              `${twice.length} of ${payments}: ${twice.slice(0, 5).join(', ')}`,
            ),
            ...(await refusedFirst(stage)),
            await sharedKey(stage),
          ],
          counts: keys,
        };
      },
    });
  },
};

/** Row 24: a key whose first request was refused before anything was done is as good as new. */
async function refusedFirst({ doors, hotels }: Stage): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [nth, hotel] of hotels.entries()) {
    const door = doors[nth % doors.length] ?? '';
    const payment = {
      action: 'create',
      key: randomUUID(),
      currency: 'EUR',
      captureMethod: 'manual',
    } as const;
    const refused = await ask(door, hotel, { ...payment, amount: 0 });
    const done = await ask(door, hotel, { ...payment, amount: 1_000 });
    checks.push(
      check(
        `a key that was refused with 400 is free afterwards, at ${hotel.name}`,
        refused.status === 400 && done.status === 201,
        `${inShort(refused)}; ${inShort(done)}`,
      ),
    );
  }
  return checks;
}

/** Row 21: the keys of two hotels have nothing to do with each other, not even when they are the same. */
async function sharedKey({ doors, hotels }: Stage): Promise<Check> {
  const key = randomUUID();
  const answers = await Promise.all(
    hotels.map(async (hotel, nth) => {
      const door = doors[nth % doors.length] ?? '';
      const captureMethod = 'manual';
      return await ask(door, hotel, {
        action: 'create',
        key,
        amount: 1_000 + nth,
        currency: 'EUR',
        captureMethod,
      });
    }),
  );
  const ids = new Set(answers.map((answer) => paymentOf(answer).id));
  const areFirst = answers.every((answer) => answer.status === 201 && !isReplayed(answer));
  return check(
    'one key at two hotels is two requests, each for itself',
    hotels.length > 1 && areFirst && ids.size === hotels.length,
    answers.map(inShort).join('; '),
  );
}
