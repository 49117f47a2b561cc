import { AuthServiceService } from '@centra/proto/centra/auth/v1/auth.ts';
import { assertDurable } from '@centra/service-kit/database.ts';
import { listenGrpc } from '@centra/service-kit/grpc.ts';
import type { Running } from '@centra/service-kit/lifecycle.ts';
import { listen } from '@centra/service-kit/listen.ts';
import { startOpsServer } from '@centra/service-kit/ops-server.ts';
import { startForgetOld } from './api-keys/forget-old.ts';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { closeContext, createContext } from './context.ts';
import type { Overrides } from './context.ts';
import { authService } from './grpc.ts';

export type Auth = Running & { httpUrl: string; httpPort: number; grpcPort: number; opsPort: number };

/** Starts the whole service; port 0 takes free ones. */
export async function startAuth(config: Config, overrides: Overrides = {}): Promise<Auth> {
  const context = await createContext(config, overrides);
  let accepting = true;
  await assertDurable(context.pool);
  const http = await listen(createApp(context), { host: config.host, port: config.httpPort });
  const grpc = await listenGrpc([{ definition: AuthServiceService, implementation: authService(context) }], {
    host: config.host,
    port: config.grpcPort,
    tls: context.tls,
  });
  const ops = await startOpsServer({
    host: config.host,
    port: config.opsPort,
    metrics: context.metrics,
    isAccepting: () => accepting,
    checks: {
      database: async () => void (await context.pool.query('select 1')),
      revocations: async () => context.revocations.assertListening(),
    },
  });
  const forgetOld = startForgetOld(context);
  context.log.info({ http: http.port, grpc: grpc.port, ops: ops.port }, 'auth is listening');
  return {
    httpUrl: http.url,
    httpPort: http.port,
    grpcPort: grpc.port,
    opsPort: ops.port,
    async close() {
      accepting = false;
      // Watchers would hold the drain open until its time limit; they are sent to another replica at once.
      await context.revocations.close();
      await Promise.all([http.close(), grpc.close(), forgetOld.stop()]);
      await closeContext(context);
      await ops.close();
    },
  };
}
