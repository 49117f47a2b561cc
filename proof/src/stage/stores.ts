import { join } from 'node:path';
import { startEmbeddedPostgres } from '@centra/testkit/embedded-postgres.ts';
import { hasNatsServer, startNatsServer } from '@centra/testkit/nats-server.ts';
import { hasRedisServer, startRedisServer } from '@centra/testkit/redis-server.ts';
import { Redis } from 'ioredis';
import type { Stage, StageOptions } from './stage.ts';
import type { Watchdog } from './watchdog.ts';

export type StagePostgres = Omit<Stage['postgres'], 'databases'> & {
  port: number;
  stop(): Promise<void>;
};

/** A Postgres of the stage's own that can be killed, held and started again where it was. */
export async function startStagePostgres(options: StageOptions, watchdog: Watchdog): Promise<StagePostgres> {
  const dataDir = options.postgresDataDir ?? join(options.folder, 'postgres');
  const settings = options.postgresSettings;
  const start = async (port?: number): ReturnType<typeof startEmbeddedPostgres> => {
    const started = await startEmbeddedPostgres({
      dataDir,
      ...(port === undefined ? {} : { port }),
      ...(settings === undefined ? {} : { settings }),
    });
    watchdog.watch(started.pid);
    return started;
  };
  let server = await start();
  let held: number[] = [];
  const letGo = (): void => {
    server.resume();
    for (const pid of held.splice(0)) if (pid !== server.pid) watchdog.forget(pid);
  };
  const end = async (how: 'stop' | 'kill9'): Promise<void> => {
    await server[how]();
    watchdog.forget(server.pid);
    for (const pid of held.splice(0)) watchdog.forget(pid);
  };
  return {
    url: server.url,
    port: server.port,
    dataDir: server.dataDir,
    pid: () => server.pid,
    isRunning: () => server.isRunning(),
    kill9: async () => await end('kill9'),
    stop: async () => await end('stop'),
    async start() {
      if (!server.isRunning()) server = await start(server.port);
    },
    pause() {
      held = server.pause();
      // Without their parent those that are held would wait for ever.
      for (const pid of held) if (pid !== server.pid) watchdog.watch(pid);
    },
    resume: letGo,
  };
}

export type StageRedis = NonNullable<Stage['redis']> & {
  port: number;
  isRunning(): boolean;
  stop(): Promise<void>;
};

/** Undefined where no Redis is installed. */
export async function startStageRedis(watchdog: Watchdog): Promise<StageRedis | undefined> {
  if (!hasRedisServer()) return undefined;
  let server = await startRedisServer();
  watchdog.watch(server.pid);
  let isRunning = true;
  const end = async (how: 'stop' | 'kill9'): Promise<void> => {
    if (!isRunning) return;
    isRunning = false;
    await server[how]();
    watchdog.forget(server.pid);
  };
  return {
    url: server.url,
    port: server.port,
    isRunning: () => isRunning,
    kill9: async () => await end('kill9'),
    stop: async () => await end('stop'),
    async start() {
      if (isRunning) return;
      server = await startRedisServer(server.port);
      watchdog.watch(server.pid);
      isRunning = true;
    },
    async flushAll() {
      const client = new Redis(server.port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null });
      client.on('error', () => {});
      try {
        await client.connect();
        await client.flushall();
      } finally {
        client.disconnect();
      }
    },
  };
}

export type StageNats = NonNullable<Stage['nats']> & { stop(): Promise<void> };

/** Undefined where no NATS is installed. */
export async function startStageNats(folder: string, watchdog: Watchdog): Promise<StageNats | undefined> {
  if (!hasNatsServer()) return undefined;
  const server = await startNatsServer({ storeDir: join(folder, 'nats') });
  watchdog.watch(server.pid);
  return {
    url: server.url,
    pid: server.pid,
    async stop() {
      await server.stop();
      watchdog.forget(server.pid);
    },
  };
}
