import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@centra/testkit/embedded-postgres.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';

export type SimulationServer = { url: string; stop(): Promise<void> };

// Nothing here is to survive a power cut, and each simulated commit would wait for the disk. What the database does by
// itself (vacuum, statistics) is no part of a run.
const SETTINGS = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', autovacuum: 'off' };

/** A real Postgres that lasts as long as a simulation. */
export async function startSimulationServer(): Promise<SimulationServer> {
  const folder = temporaryFolder('simulation');
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), settings: SETTINGS });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
