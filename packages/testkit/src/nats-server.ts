import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { findTool, NATS } from './ensure-tool.ts';
import { freePort } from './free-port.ts';
import { waitFor } from './pause.ts';

export type NatsServer = { url: string; port: number; pid: number; stop(): Promise<void> };

const PROBE_TIMEOUT_MS = 1_000;

/** Whether this machine has a NATS server to start. */
export function hasNatsServer(): boolean {
  return findTool(NATS) !== undefined;
}

/** Starts a NATS server with JetStream, which keeps its streams in `storeDir`. Throws where none is installed. */
export async function startNatsServer(options: { storeDir: string; port?: number }): Promise<NatsServer> {
  const program = findTool(NATS);
  if (program === undefined) throw new Error(`${NATS.package} is not installed`);
  const port = options.port ?? (await freePort());
  const args = [
    '--addr',
    '127.0.0.1',
    '--port',
    String(port),
    '--jetstream',
    '--store_dir',
    options.storeDir,
  ];
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await waitFor('nats to answer', async () => {
    if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`);
    return (await greets(port)) ? true : undefined;
  });
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A NATS server speaks first: a line that begins with INFO. */
async function greets(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  try {
    const [chunk] = await once(socket, 'data', { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return String(chunk).startsWith('INFO ');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
