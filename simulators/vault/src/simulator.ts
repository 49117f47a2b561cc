import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createApp } from './app.ts';
import { configOf } from './config.ts';
import type { Config } from './config.ts';
import { createContext } from './context.ts';
import type { Context } from './context.ts';

export type Simulator = { url: string; port: number; rootToken: string; close: () => Promise<void> };

/** How long requests under way may take to end after a stop; then their connections are cut. */
const STOP_GRACE_MS = 2_000;

/** Starts a server in this process. Port 0 takes a free one; `close` leaves nothing running. */
export async function startSimulator(chosen: Partial<Config> = {}): Promise<Simulator> {
  const config = configOf(chosen);
  const ctx = createContext(config);
  const server = createServer({ requestTimeout: 120_000, headersTimeout: 30_000 }, createApp(ctx));
  server.listen(config.port, config.host);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host}:${port}`,
    port,
    rootToken: config.rootToken,
    close: () => (closing ??= stop(ctx, server)),
  };
}

async function stop(ctx: Context, server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  ctx.stopping.abort();
  server.closeIdleConnections();
  const grace = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS);
  await closed;
  clearTimeout(grace);
  ctx.save();
}
