import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { untilRest } from '../chaos/at-rest.ts';
import { fillDisk } from '../disks/disk-full.ts';
import { createDisk, whyNoDisk } from '../disks/loop-disk.ts';
import type { LoopDisk } from '../disks/loop-disk.ts';
import { cutPower, killAndRecover, recover, sizeOf } from '../disks/power-cut.ts';
import type { Cut, Recovered } from '../disks/power-cut.ts';
import { startLoad } from '../load/load.ts';
import type { Load } from '../load/load.ts';
import { check } from '../scenario.ts';
import type { Check, Outcome, Scenario, ScenarioOptions } from '../scenario.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import { startStage } from '../stage/stage.ts';
import type { Stage } from '../stage/stage.ts';
import { startWatchdog } from '../stage/watchdog.ts';
import type { Watchdog } from '../stage/watchdog.ts';

// Promise P8 asks for 20 images.
const CUTS = { short: 3, long: 20 } as const;
const DISK_MB = 400;
// With more the log of writes would outgrow so small a disk.
const SETTINGS = { max_wal_size: '64MB', min_wal_size: '32MB', wal_keep_size: '0' };
const WORKERS = 4;
const SETTLE_MAX_MS = 120_000;
const FIRST = 5;

export const powercut: Scenario = {
  name: 'powercut',
  promise: 'P8: acknowledged means durable',
  weight: 1.5,
  async run(options) {
    const reason = await whyNoDisk();
    if (reason !== undefined) return { checks: [], notes: [`no power cuts: ${reason}`], counts: {} };
    const watchdog = startWatchdog();
    const image = join(options.folder, 'disk.img');
    const disk = await createDisk(
      { image, folder: join(options.folder, 'disk'), megabytes: DISK_MB },
      watchdog,
    );
    try {
      return await onStage(options, disk, watchdog);
    } finally {
      await disk.unmount();
      rmSync(image, { force: true });
      await watchdog.end();
    }
  },
};

async function onStage(options: ScenarioOptions, disk: LoopDisk, watchdog: Watchdog): Promise<Outcome> {
  const folder = join(options.folder, 'stage');
  mkdirSync(folder);
  const postgresDataDir = join(disk.folder, 'postgres');
  const stage = await startStage({ folder, postgresDataDir, postgresSettings: SETTINGS, say: options.say });
  try {
    return await cutAndCompare(stage, options, disk, watchdog);
  } finally {
    await stage.stop();
  }
}

async function cutAndCompare(
  stage: Stage,
  options: ScenarioOptions,
  disk: LoopDisk,
  watchdog: Watchdog,
): Promise<Outcome> {
  const { folder, say } = options;
  const load = await startLoad(stage, {
    random: seeded(options.seed).fork('load'),
    workers: WORKERS,
    duplicates: { share: 0, copies: 1 },
    folder,
    say,
  });
  const cuts = await cutUnderLoad(stage, disk, options);
  const killed = await killAndRecover(stage, folder);
  await load.stop();
  await stage.heal();
  const unknown = await load.settle(SETTLE_MAX_MS);
  const unrest = await untilRest(stage, SETTLE_MAX_MS);
  await load.close();
  say(`${load.counts().ok} done, ${cuts.length} images of ${cuts.map(sizeOf).join(', ')} MB`);
  const recovered = await recoverEach(cuts, stage, watchdog);
  const full = await fillDisk(stage, disk);
  const open = [...unrest.operations, ...unrest.events];
  return {
    checks: [
      ...judgeCuts(cuts, recovered),
      ...judge('after kill -9 of the database', [killed]),
      check('what was unknown after it is settled', unknown === 0, `${unknown} keys`),
      check('every operation and event comes to rest', open.length === 0, open.join('; ')),
      ...full.checks,
      check('no process of ours ended by itself', stage.crashes.length === 0, stage.crashes.join('\n')),
    ],
    notes: full.notes,
    counts: { ...countsOf(load, cuts), ...full.counts },
  };
}

async function cutUnderLoad(stage: Stage, disk: LoopDisk, options: ScenarioOptions): Promise<Cut[]> {
  const random = seeded(options.seed).fork('cuts');
  const count = CUTS[options.profile];
  const eachMs = (options.minutes * 60_000) / count;
  const cuts: Cut[] = [];
  for (let nth = 1; nth <= count; nth += 1) {
    // Never at the same point of what Postgres and the kernel do from time to time.
    await pause(eachMs * (0.75 + random.fraction() / 2));
    cuts.push(await cutPower(stage, disk, options.folder, nth));
  }
  return cuts;
}

async function recoverEach(cuts: readonly Cut[], stage: Stage, watchdog: Watchdog): Promise<Recovered[]> {
  const all: Recovered[] = [];
  for (const cut of cuts) {
    const recovered = await recover(cut, stage, watchdog);
    all.push(recovered);
    // What holds needs no evidence, and twenty of them would fill a small machine.
    if (recovered.failed === undefined && recovered.lost.length + recovered.broken.length === 0)
      rmSync(cut.image, { force: true });
  }
  return all;
}

function judgeCuts(cuts: readonly Cut[], recovered: readonly Recovered[]): Check[] {
  const told = cuts.at(-1)?.acknowledged.size ?? 0;
  return [
    ...judge('after a power cut', recovered),
    check('power was cut while payments were told of', told > 0, `none in ${cuts.length} images`),
  ];
}

function judge(when: string, recovered: readonly Recovered[]): Check[] {
  const failed = recovered.flatMap((each) => each.failed ?? []);
  const lost = recovered.flatMap((each) => each.lost);
  const broken = recovered.flatMap((each) => each.broken);
  return [
    check(`P8: Postgres starts again ${when}`, failed.length === 0, firstOf(failed)),
    check(`I25: every acknowledged id is there ${when}`, lost.length === 0, firstOf(lost)),
    check(`I12, I13: payments, events and outbox agree ${when}`, broken.length === 0, firstOf(broken)),
  ];
}

function firstOf(words: readonly string[]): string {
  return `${words.length}: ${words.slice(0, FIRST).join('; ')}`;
}

function countsOf(load: Load, cuts: readonly Cut[]): Record<string, number> {
  return { ...load.counts(), cuts: cuts.length, acknowledged: cuts.at(-1)?.acknowledged.size ?? 0 };
}
