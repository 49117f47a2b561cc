import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createApp } from './app.ts';
import { CONFIG_DEFAULTS, type Config } from './config.ts';
import { createContext } from './context.ts';
import { startTimetable } from './timetable/run-due.ts';

export type Simulator = {
  /** `http://host:port`, without a slash at the end. */
  url: string;
  host: string;
  port: number;
  close: () => Promise<void>;
};

/** How long open requests may finish before their connections are cut, in milliseconds. */
const CLOSE_GRACE_MS = 2_000;

/** Starts a simulator in this process; tests give `port: 0` and a fresh `dataDir`. */
export async function startSimulator(options: Partial<Config> & Pick<Config, 'dataDir'>): Promise<Simulator> {
  const config: Config = { ...CONFIG_DEFAULTS, ...options };
  let listening = '';
  const context = await createContext(config, () => config.publicUrl ?? listening);
  const server = createServer(createApp(context));
  const { address, family, port } = await listen(server, config);
  listening = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  context.webhooks.resume();
  context.settlements.resume();
  startTimetable(context, context.webhooks);
  return {
    url: listening,
    host: address,
    port,
    close: async () => {
      context.clock.close();
      await stop(server);
      await context.webhooks.close();
      await context.journal.close();
    },
  };
}

function listen(server: Server, { host, port }: Config): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === 'string')
        return reject(new Error('no address to listen on'));
      resolve(address);
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
