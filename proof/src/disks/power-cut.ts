import { rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { startEmbeddedPostgres } from '@centra/testkit/embedded-postgres.ts';
import { withDatabase } from '@centra/testkit/test-database.ts';
import type { Stage } from '../stage/stage.ts';
import type { Watchdog } from '../stage/watchdog.ts';
import { findBroken, findLost, readAcknowledged } from './acknowledged.ts';
import type { Acknowledged } from './acknowledged.ts';
import { mountDisk } from './loop-disk.ts';
import type { LoopDisk } from './loop-disk.ts';

/** The disk at the moment of a power cut, and all that anybody had been told by then. */
export type Cut = { image: string; acknowledged: Acknowledged };

/** What is wrong after a restart; undefined where it is as it has to be. */
export type Recovered = { failed: string | undefined; lost: string[]; broken: string[] };

/** Cuts the power of the database while its clients go on asking: it is held only while the disk is copied. */
export async function cutPower(stage: Stage, disk: LoopDisk, folder: string, nth: number): Promise<Cut> {
  const image = join(folder, `cut-${nth}.img`);
  // Before it is held: an answer that was read by then must be on that disk.
  const acknowledged = readAcknowledged(folder);
  stage.postgres.pause();
  try {
    await disk.copyTo(image);
  } finally {
    stage.postgres.resume();
  }
  return { image, acknowledged };
}

/** Starts a Postgres on the copied disk, as the machine would after the power is back, and compares. */
export async function recover(
  { image, acknowledged }: Cut,
  stage: Pick<Stage, 'postgres'>,
  watchdog: Watchdog,
): Promise<Recovered> {
  const disk = await mountDisk({ image, folder: image.replace(/\.img$/, '') }, watchdog);
  try {
    const dataDir = join(disk.folder, basename(stage.postgres.dataDir));
    // After a power cut no process has that number any more; here the live server does.
    rmSync(join(dataDir, 'postmaster.pid'), { force: true });
    const server = await startEmbeddedPostgres({ dataDir }).catch((error: unknown) => String(error));
    if (typeof server === 'string') return { failed: server, lost: [], broken: [] };
    watchdog.watch(server.pid);
    try {
      return await compare(
        withDatabase(server.url, stage.postgres.databases['transaction'] ?? ''),
        acknowledged,
      );
    } finally {
      await server.stop();
      watchdog.forget(server.pid);
    }
  } finally {
    await disk.unmount();
  }
}

/** Kill -9 of every process of the database, and the same comparison once it runs again. */
export async function killAndRecover(stage: Stage, folder: string): Promise<Recovered> {
  const acknowledged = readAcknowledged(folder);
  await stage.postgres.kill9();
  await stage.postgres.start();
  return await compare(
    withDatabase(stage.postgres.url, stage.postgres.databases['transaction'] ?? ''),
    acknowledged,
  );
}

async function compare(url: string, acknowledged: Acknowledged): Promise<Recovered> {
  try {
    return {
      failed: undefined,
      lost: await findLost(url, acknowledged),
      broken: await findBroken(url),
    };
  } catch (error) {
    return { failed: `it cannot be read: ${String(error)}`, lost: [], broken: [] };
  }
}

/** Megabytes that the image really takes. */
export function sizeOf({ image }: Cut): number {
  return Math.round((statSync(image).blocks * 512) / 1024 / 1024);
}
