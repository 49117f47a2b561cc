import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { Express } from 'express';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { configOf } from './config.ts';
import type { Context } from './context.ts';
import { createContext } from './context.ts';

export type Simulator = { url: string; port: number; app: Express; close: () => Promise<void> };

/** How long requests under way may take to end after a stop; then their connections are cut. */
const STOP_GRACE_MS = 5_000;
/** A connection that answers its last request during the stop stays open as idle, so it is looked for this often. */
const IDLE_SWEEP_MS = 20;

/** Starts a simulator in this process. Port 0 takes a free one; `close` leaves nothing running. */
export async function startSimulator(chosen: Partial<Config> & { dataDir: string }): Promise<Simulator> {
  const config = configOf(chosen);
  const ctx = await createContext(config);
  const app = createApp(ctx);
  // A send may be answered after its target's whole deadline; a client that is slow to send gets two minutes.
  const server = createServer({ requestTimeout: 120_000, headersTimeout: 30_000 }, app);
  try {
    server.listen(config.port, config.host);
    await once(server, 'listening');
  } catch (error) {
    await release(ctx);
    throw error;
  }
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= stop(ctx, server));
  return { url: `http://${host}:${port}`, port, app, close };
}

async function stop(ctx: Context, server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  ctx.stopping.abort();
  const grace = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS);
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  await closed;
  clearTimeout(grace);
  clearInterval(sweep);
  await release(ctx);
}

async function release(ctx: Context): Promise<void> {
  await ctx.targets.agent.destroy();
  await ctx.journal.close();
}
