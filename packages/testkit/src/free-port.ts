import { randomInt } from 'node:crypto';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Below the range from which Linux takes the ports of outgoing connections (32768 and up): between the choice of a port
// there and its use, any client on the machine could be given it.
const FIRST_PORT = 10_000;
const LAST_PORT = 32_000;
const TRIES_MAX = 1_000;
// Who asked for a port listens on it long before this; then the system itself keeps others off.
const RESERVED_FOR_MS = 60_000;

/** A loopback port that nobody listens on and that no other process of ours was given in the last minute. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (reserve(port) && (await isFree(port))) return port;
  }
  throw new Error(`no port between ${FIRST_PORT} and ${LAST_PORT} is free`);
}

/** `wanted` when nobody listens there, else a free one. */
export async function freePortOr(wanted: number): Promise<number> {
  return (await isFree(wanted)) ? wanted : await freePort();
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const bound = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (bound) await new Promise<void>((resolve) => server.close(() => resolve()));
  return bound;
}

/** Test files start whole platforms at the same time; a file that only one of them can create keeps them apart. */
function reserve(port: number): boolean {
  const folder = join(tmpdir(), `centra-ports-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, String(port));
  try {
    if (Date.now() - statSync(file).mtimeMs > RESERVED_FOR_MS) rmSync(file, { force: true });
  } catch {
    // Nobody has it.
  }
  try {
    writeFileSync(file, '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}
