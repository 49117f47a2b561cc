import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { boundPort } from '@centra/service-kit/listen.ts';

export type DatabaseProxy = {
  /** The database's URL through the proxy. */
  url: string;
  /**
   * The next statement whose message holds this text reaches the database and is executed there; its answer never comes
   * back and the connection breaks, as when the network fails at COMMIT.
   */
  loseAnswerTo(text: string): void;
  /** Connections break and new ones break at once, until `restore`. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
};

/** Stands between the service and its real database, to lose the network there. */
export async function startDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const url = new URL(databaseUrl);
  const target = { host: url.hostname, port: Number(url.port) };
  const sockets = new Set<Socket>();
  let isCut = false;
  let losing: string | undefined;
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((inbound) => {
    if (isCut) {
      inbound.destroy();
      return;
    }
    const outbound = connect(target);
    let isMuted = false;
    for (const socket of [inbound, outbound]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        inbound.destroy();
        outbound.destroy();
      });
    }
    inbound.on('data', (chunk: Buffer) => {
      if (losing !== undefined && chunk.includes(losing)) {
        losing = undefined;
        isMuted = true;
      }
      outbound.write(chunk);
    });
    outbound.on('data', (chunk: Buffer) => {
      // The first answer to it means that it was executed; autocommit has made it durable with that.
      if (isMuted && chunk.includes('Z', chunk.length - 6)) inbound.destroy();
      else if (!isMuted) inbound.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url.port = String(boundPort(server));
  return {
    url: url.toString(),
    loseAnswerTo: (text) => void (losing = text),
    cut() {
      isCut = true;
      breakAll();
    },
    restore: () => void (isCut = false),
    async close() {
      breakAll();
      server.close();
      await once(server, 'close');
    },
  };
}
