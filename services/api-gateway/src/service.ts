import type { Running } from '@centra/service-kit/lifecycle.ts';
import { listen } from '@centra/service-kit/listen.ts';
import { pause } from '@centra/service-kit/loop.ts';
import { startOpsServer } from '@centra/service-kit/ops-server.ts';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { createContext } from './context.ts';
import type { Overrides } from './context.ts';
import { readPages, servePage } from './docs/pages.ts';
import { refuseRawConnections } from './edge/raw-refusals.ts';
import { createHealth, operatorsHealth } from './health/health.ts';

export type Gateway = Running & { url: string; port: number; opsUrl: string; opsPort: number };

/** Starts the public and the operators' listener; `close()` lets requests under way finish. */
export async function startGateway(config: Config, overrides: Overrides = {}): Promise<Gateway> {
  const pages = readPages(config.openapiFile);
  const context = createContext(config, overrides);
  const health = createHealth(context);
  const ops = await startOpsServer({
    host: config.host,
    port: config.opsPort,
    metrics: context.metrics,
    checks: {},
    isAccepting: () => !context.lifecycle.draining,
    pages: {
      '/health': operatorsHealth(context, health),
      ...Object.fromEntries(
        [...pages].map(([path, page]) => [path, (_request: unknown, response) => servePage(page, response)]),
      ),
    },
  });
  const listener = await listen(createApp(context, { health, pages }), {
    host: config.host,
    port: config.httpPort,
  });
  refuseRawConnections(listener.server, context);
  context.log.info({ url: listener.url, ops: ops.url, limits: context.limiter.where() }, 'listening');
  return {
    url: listener.url,
    port: listener.port,
    opsUrl: ops.url,
    opsPort: ops.port,
    async close() {
      context.lifecycle.draining = true;
      await pause(config.drainDelayMs);
      await listener.close();
      await context.close();
      await ops.close();
    },
  };
}
