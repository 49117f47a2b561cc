import { check } from './check.ts';
import { comeToRest } from './come-to-rest.ts';
import { play, startRun } from './play.ts';
import { execute } from './simulated-pool.ts';
import { createWorld } from './world.ts';
import type { Bench, World } from './world.ts';

/** What became of a seed. Two runs of it have the same digest. */
export type SeedResult = { seed: number; violations: string[]; story: readonly string[]; digest: string };

/** Plays one seed from beginning to rest and checks everything. Never throws for what the core did. */
export async function runSeed(bench: Bench, seed: number): Promise<SeedResult> {
  const world = createWorld(bench, seed);
  try {
    const run = startRun(world);
    await play(run);
    await comeToRest(run);
    const violations = await check(run);
    for (const violation of violations) world.tell(`VIOLATION ${violation}`);
    await putAway(world);
    return { seed, violations, story: world.story.lines(), digest: world.story.digest() };
  } finally {
    world.close();
  }
}

/** The next run has the database to itself: nothing of this one is ever due again. */
async function putAway(world: World): Promise<void> {
  const values = [world.hotel.merchantId];
  for (const text of [
    `update operations set due_at = 'infinity' where merchant_id = $1 and state not in ('succeeded', 'declined')`,
    `update provider_events set due_at = 'infinity' where merchant_id = $1 and state in ('received', 'unmatched')`,
    `update payments set hold_due_at = 'infinity', hold_reminded_at = now() where merchant_id = $1 and hold_open`,
  ])
    await execute(world, { text, values });
}
