import { spawn } from 'node:child_process';
import { Redis } from 'ioredis';
import { findTool, REDIS } from './ensure-tool.ts';
import { freePort } from './free-port.ts';
import { waitFor } from './pause.ts';

export type RedisServer = {
  url: string;
  port: number;
  pid: number;
  stop(): Promise<void>;
  /** Ends it as a power cut would; what it knew is gone. */
  kill9(): Promise<void>;
};

/** Whether this machine has a Redis server to start. */
export function hasRedisServer(): boolean {
  return findTool(REDIS) !== undefined;
}

/** Starts a Redis that keeps nothing on disk. Throws where none is installed. */
export async function startRedisServer(port?: number): Promise<RedisServer> {
  const program = findTool(REDIS);
  if (program === undefined) throw new Error(`${REDIS.package} is not installed`);
  const chosen = port ?? (await freePort());
  const args = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  await waitFor('redis to answer', async () => {
    const probe = new Redis(chosen, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null });
    probe.on('error', () => {});
    try {
      await probe.connect();
      return (await probe.ping()) === 'PONG' ? true : undefined;
    } catch {
      return undefined;
    } finally {
      probe.disconnect();
    }
  });
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    pid: child.pid ?? 0,
    stop: async () => await end('SIGTERM'),
    kill9: async () => await end('SIGKILL'),
  };
}
