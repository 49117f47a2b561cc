import { assertDurable } from '@centra/service-kit/database.ts';
import { listenGrpc } from '@centra/service-kit/grpc.ts';
import type { Running } from '@centra/service-kit/lifecycle.ts';
import { listen } from '@centra/service-kit/listen.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { startLoop } from '@centra/service-kit/loop.ts';
import { startOpsServer } from '@centra/service-kit/ops-server.ts';
import { deliverAccess } from './access/deliver-access.ts';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { closeContext, createContext } from './context.ts';
import type { Context } from './context.ts';
import { createMerchantService } from './grpc.ts';
import { destroyDrainedSecrets } from './provider-accounts/destroy-drained-secrets.ts';
import { maintainDataKeys } from './provider-accounts/maintain-data-keys.ts';
import { destroyExpiredWebhookSecrets } from './webhook-endpoints/destroy-expired-secrets.ts';

export type RunningMerchant = Running & {
  context: Context;
  httpPort: number;
  grpcPort: number;
  opsPort: number;
};

// Drained secrets may outlive their time by this much; it is minutes against 72 hours.
const DESTROY_INTERVAL_MS = 60_000;
// Requests deliver their own orders at once; what is left to the loop must still bite within seconds.
const ACCESS_INTERVAL_MS = 1_000;

/** Starts the service on the configured ports (0 takes a free one). `close` drains it. */
export async function startMerchant(
  config: Config,
  log: Logger,
  overrides: Partial<Context> = {},
): Promise<RunningMerchant> {
  const context = await createContext(config, log, overrides);
  try {
    await assertDurable(context.pool);
    return await serve(context);
  } catch (error) {
    await closeContext(context);
    throw error;
  }
}

async function serve(context: Context): Promise<RunningMerchant> {
  const { config, log } = context;
  const { host } = config;
  let accepting = true;
  const http = await listen(createApp(context), { host, port: config.httpPort });
  const grpc = await listenGrpc([createMerchantService(context)], {
    host,
    port: config.grpcPort,
    tls: context.tls,
  });
  const ops = await startOpsServer({
    host,
    port: config.opsPort,
    metrics: context.metrics,
    checks: {
      database: async () => void (await context.pool.query('select 1')),
      keyring: () => context.keyring.check(),
    },
    isAccepting: () => accepting,
  });
  const loops = [
    startLoop({ name: 'destroy-drained-secrets', intervalMs: DESTROY_INTERVAL_MS, log }, () =>
      destroyDrainedSecrets(context),
    ),
    startLoop({ name: 'destroy-expired-webhook-secrets', intervalMs: DESTROY_INTERVAL_MS, log }, () =>
      destroyExpiredWebhookSecrets(context),
    ),
    startLoop({ name: 'deliver-access', intervalMs: ACCESS_INTERVAL_MS, log }, () => deliverAccess(context)),
    startLoop({ name: 'maintain-data-keys', intervalMs: config.keyMaintenanceSeconds * 1000, log }, () =>
      maintainDataKeys(context),
    ),
  ];
  log.info({ http: http.port, grpc: grpc.port, ops: ops.port }, 'merchant is up');
  return {
    context,
    httpPort: http.port,
    grpcPort: grpc.port,
    opsPort: ops.port,
    async close() {
      accepting = false;
      await Promise.all([http.close(), grpc.close(), ...loops.map((loop) => loop.stop())]);
      await ops.close();
      await closeContext(context);
    },
  };
}
