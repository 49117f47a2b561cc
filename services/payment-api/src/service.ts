import { assertDurable, createPool } from '@centra/service-kit/database.ts';
import { listenGrpc } from '@centra/service-kit/grpc.ts';
import type { Running } from '@centra/service-kit/lifecycle.ts';
import { listen } from '@centra/service-kit/listen.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { startOpsServer } from '@centra/service-kit/ops-server.ts';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { createContext } from './context.ts';
import type { Context, Overrides } from './context.ts';
import { grpcServices } from './grpc.ts';
import { addReflection } from './reflection.ts';
import { startReapQuotes } from './quotes/reap-quotes.ts';
import { startReapReplies } from './replies/reap-replies.ts';

export type RunningPaymentApi = Running & {
  url: string;
  httpPort: number;
  grpcPort: number;
  opsPort: number;
};

/** Starts the service on its ports (0 takes free ones) and says which they are. */
export async function startPaymentApi(config: Config, overrides: Overrides = {}): Promise<RunningPaymentApi> {
  const context = createContext(config, overrides);
  try {
    await refuseForgetfulDatabase(config, context.log);
    return await serve(context);
  } catch (error) {
    await context.close();
    throw error;
  }
}

async function serve(context: Context): Promise<RunningPaymentApi> {
  const { config, log, metrics } = context;
  let accepting = true;
  const http = await listen(createApp(context), { host: config.host, port: config.httpPort });
  const grpc = await listenGrpc(
    grpcServices(context),
    { host: config.host, port: config.grpcPort, tls: context.tls },
    addReflection,
  );
  const ops = await startOpsServer({
    host: config.host,
    port: config.opsPort,
    metrics,
    checks: {
      database: async () => void (await context.pool.query('select 1')),
      transaction: () => checkTransaction(context),
    },
    isAccepting: () => accepting,
  });
  const reapers = [startReapReplies(context), startReapQuotes(context)];
  log.info({ http: http.port, grpc: grpc.port, ops: ops.port }, 'payment-api listens');
  return {
    url: http.url,
    httpPort: http.port,
    grpcPort: grpc.port,
    opsPort: ops.port,
    async close() {
      accepting = false;
      await Promise.all([http.close(), grpc.close(), ...reapers.map((reaper) => reaper.stop())]);
      await context.close();
      await ops.close();
    },
  };
}

/** The service's own sessions switch synchronous_commit off; the server itself must not (reliability rule 14). */
async function refuseForgetfulDatabase(config: Config, log: Logger): Promise<void> {
  const pool = createPool({ url: config.databaseUrl, max: 1, applicationName: 'payment-api-start', log });
  try {
    await assertDurable(pool);
  } finally {
    await pool.end();
  }
}

// Within the 900 ms that a check may take.
const TRANSACTION_CHECK_MS = 800;

async function checkTransaction(context: Context): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    context.transaction.waitForReady(Date.now() + TRANSACTION_CHECK_MS, (error) => {
      if (error === undefined) resolve();
      else reject(new Error('transaction cannot be reached'));
    });
  });
}
