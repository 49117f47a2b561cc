import { assertDurable } from '@centra/service-kit/database.ts';
import type { Running } from '@centra/service-kit/lifecycle.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { startOpsServer } from '@centra/service-kit/ops-server.ts';
import type { Config } from './config.ts';
import { createContext } from './context.ts';
import type { Context } from './context.ts';
import { startGrpc } from './grpc.ts';
import { startHoldWatcher } from './holds/watch-holds.ts';
import { startUnknownMeter } from './operations/measure-unknown.ts';
import { startResolver } from './operations/resolve-unknown.ts';
import { startEventProcessor } from './provider-events/process-provider-events.ts';
import { startServiceCodeWiper } from './operations/wipe-service-codes.ts';

export type TransactionService = Running & { context: Context; grpcPort: number; opsPort: number };

/** Starts the service; `close` lets calls and loops under way finish, then lets go of the database. */
export async function startTransaction(
  config: Config,
  log: Logger,
  overrides: Partial<Context> = {},
): Promise<TransactionService> {
  const context = createContext(config, log, overrides);
  await assertDurable(context.pool);
  let isAccepting = true;
  const grpc = await startGrpc(context);
  const ops = await startOpsServer({
    host: config.host,
    port: config.opsPort,
    metrics: context.metrics,
    isAccepting: () => isAccepting,
    checks: { database: async () => void (await context.pool.query('select 1')) },
  });
  const loops = [
    startResolver(context),
    startServiceCodeWiper(context),
    startEventProcessor(context),
    startHoldWatcher(context),
    startUnknownMeter(context),
  ];
  log.info({ grpcPort: grpc.port, opsPort: ops.port }, 'transaction is up');
  return {
    context,
    grpcPort: grpc.port,
    opsPort: ops.port,
    async close() {
      isAccepting = false;
      await Promise.all([grpc.close(), ...loops.map(async (loop) => await loop.stop())]);
      await ops.close();
      await context.providers.close();
      context.merchantClient.close();
      context.tls.close();
      await context.pool.end();
    },
  };
}
