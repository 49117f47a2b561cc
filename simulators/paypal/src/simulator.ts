import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { createContext } from './context.ts';

export type Simulator = { url: string; port: number; close: () => Promise<void> };

/** Starts a simulator in this process. Port 0 takes a free one; `close` leaves nothing running. */
export async function startSimulator(chosen: Partial<Config> & { dataDir: string }): Promise<Simulator> {
  const config = { host: '127.0.0.1', port: 0, ...chosen };
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const context = createContext(config);
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 30_000 }, createApp(context));
  server.listen(config.port, config.host);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  return {
    url: `http://${config.host}:${port}`,
    port,
    async close() {
      // Whoever waits in a slow fault is cut off: nothing here is worth waiting for.
      context.faults.clear();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
