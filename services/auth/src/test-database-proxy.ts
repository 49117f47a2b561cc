import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

export type DatabaseProxy = {
  /** The database's URL through the proxy. */
  url: string;
  /** Connections stay open but nothing comes through, as in a lost network. */
  freeze(): void;
  /** Connections break, and new ones break at once. */
  cut(): void;
  /** Passes again. What was swallowed cannot be made up for: connections from before are broken. */
  restore(): void;
  close(): Promise<void>;
};

/** Stands between a service and its real database, to lose the network there. */
export async function startDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const url = new URL(databaseUrl);
  const target = { host: url.hostname, port: Number(url.port) };
  const sockets = new Set<Socket>();
  let state: 'passing' | 'frozen' | 'cut' = 'passing';
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((inbound) => {
    if (state === 'cut') {
      inbound.destroy();
      return;
    }
    const outbound = connect(target);
    for (const socket of [inbound, outbound]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        inbound.destroy();
        outbound.destroy();
      });
    }
    inbound.on('data', (chunk) => state === 'passing' && outbound.write(chunk));
    outbound.on('data', (chunk) => state === 'passing' && inbound.write(chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  url.port = String(address.port);
  return {
    url: url.toString(),
    freeze: () => (state = 'frozen'),
    cut() {
      state = 'cut';
      breakAll();
    },
    restore() {
      state = 'passing';
      breakAll();
    },
    async close() {
      breakAll();
      server.close();
      await once(server, 'close');
    },
  };
}
