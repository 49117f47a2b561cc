import { execFile } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Watchdog } from '../stage/watchdog.ts';

/** A small disk of one's own: an ext4 image, mounted by a loop device. */
export type LoopDisk = {
  /** Where it is mounted. */
  folder: string;
  /**
   * Copies the image as it is at this moment, as a power cut would leave the disk: what the kernel has not written yet is
   * not in it. Whoever writes to it must be held meanwhile; copied again when the kernel wrote something during it.
   */
  copyTo(image: string): Promise<void>;
  /** Leaves no byte free; answers how many it took. */
  fill(): number;
  free(): void;
  /** Ends it; the image stays. */
  unmount(): Promise<void>;
};

const run = promisify(execFile);
// A copy of some 100 MB takes less than a second; a command that takes longer than this hangs.
const COMMAND_TIMEOUT_MS = 60_000;
const COPIES_MAX = 20;
const FILL_CHUNK_BYTES = 1024 * 1024;
const BLOCK_BYTES = 4_096;

/** Why there can be no such disk here; undefined when there can. */
export async function whyNoDisk(): Promise<string | undefined> {
  if (userInfo().uid !== 0) return 'disks are mounted by root only';
  if (!existsSync('/dev/loop-control')) return 'this machine has no loop devices';
  try {
    await command('mkfs.ext4', ['-V']);
  } catch {
    return 'mkfs.ext4 is not installed';
  }
  return undefined;
}

/** A new, empty disk of so many megabytes. */
export async function createDisk(
  options: { image: string; folder: string; megabytes: number },
  watchdog: Watchdog,
): Promise<LoopDisk> {
  closeSync(openSync(options.image, 'w'));
  truncateSync(options.image, options.megabytes * 1024 * 1024);
  await command('mkfs.ext4', ['-q', '-m', '0', options.image]);
  return await mountDisk(options, watchdog);
}

/** The disk that an image holds; ext4 replays its journal as after any power cut. */
export async function mountDisk(
  { image, folder }: { image: string; folder: string },
  watchdog: Watchdog,
): Promise<LoopDisk> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  await command('mount', ['-o', 'loop', image, folder]);
  watchdog.watchMount(folder);
  const device = readDevice(folder);
  const fillFile = join(folder, 'fill');
  let isMounted = true;
  return {
    folder,
    copyTo: async (copy) => await copyAtRest(device, image, copy),
    fill: () => fillUp(fillFile),
    free: () => rmSync(fillFile, { force: true }),
    async unmount() {
      if (!isMounted) return;
      isMounted = false;
      // The loop device goes with its mount.
      await command('umount', [folder]).catch(async () => await command('umount', ['-l', folder]));
      watchdog.forgetMount(folder);
    },
  };
}

async function copyAtRest(device: string, image: string, copy: string): Promise<void> {
  for (let nth = 1; nth <= COPIES_MAX; nth += 1) {
    const before = writesOf(device);
    await command('cp', ['--sparse=always', image, copy]);
    // Bytes of two moments would be a disk that never was.
    if (writesOf(device) === before) return;
  }
  throw new Error(`the kernel wrote to ${image} during each of ${COPIES_MAX} copies`);
}

/** How many sectors were written, and how many requests are under way (Documentation/block/stat.rst). */
function writesOf(device: string): string {
  const fields = readFileSync(`/sys/block/${device}/stat`, 'utf8').trim().split(/\s+/);
  return `${fields[6]} ${fields[8]}`;
}

function readDevice(folder: string): string {
  const line = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .find((mount) => mount.split(' ')[1] === folder);
  if (line === undefined) throw new Error(`nothing is mounted on ${folder}`);
  return basename(line.split(' ')[0] ?? '');
}

function fillUp(file: string): number {
  const handle = openSync(file, 'w');
  let written = 0;
  let chunk = Buffer.alloc(FILL_CHUNK_BYTES);
  try {
    for (;;) {
      try {
        written += writeSync(handle, chunk);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
        if (chunk.length === BLOCK_BYTES) return written;
        chunk = Buffer.alloc(BLOCK_BYTES);
      }
    }
  } finally {
    closeSync(handle);
  }
}

async function command(program: string, args: readonly string[]): Promise<void> {
  await run(program, args, { timeout: COMMAND_TIMEOUT_MS });
}
