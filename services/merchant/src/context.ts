import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { createGuardedAgent } from '@centra/egress/guarded-agent.ts';
import type { GuardedAgent } from '@centra/egress/guarded-agent.ts';
import type { MikroORM } from '@mikro-orm/postgresql';
import { TransactionServiceClient } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createClient } from '@centra/service-kit/grpc.ts';
import { loadTls } from '@centra/service-kit/grpc-credentials.ts';
import type { Tls } from '@centra/service-kit/grpc-credentials.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import { createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import type { Verifier } from '@centra/service-kit/service-identity.ts';
import { entities } from './entities.ts';
import { createLogoJobs } from './branding/logo-jobs.ts';
import type { LogoJobs } from './branding/logo-jobs.ts';
import type { Config } from './config.ts';
import { createOrm } from '@centra/service-kit/orm.ts';
import { createOpenedSecrets } from './provider-accounts/opened-secrets.ts';
import type { OpenedSecrets } from './provider-accounts/opened-secrets.ts';
import { openKeyring } from './sealing/open-keyring.ts';
import type { MasterKeyring } from './sealing/master-keyring.ts';

/** Everything an action may use. */
export type Context = {
  config: Config;
  log: Logger;
  metrics: Metrics;
  orm: MikroORM;
  /** Two plain connections for health and durability checks, so that they never wait behind requests. */
  pool: Pool;
  keyring: MasterKeyring;
  verifier: Verifier;
  /** Our side of gRPC connections. */
  tls: Tls;
  transactionClient: TransactionServiceClient;
  authClient: AuthServiceClient;
  /** Calls URLs that hotels chose, and nothing that is not public. */
  egress: GuardedAgent;
  openedSecrets: OpenedSecrets;
  /** Uploaded pictures wait here for their turn. */
  logoJobs: LogoJobs;
  /** Hotels whose history this process is exporting. */
  auditExports: Set<string>;
  /** Counts sealed values that did not open: altered rows or a wrong keyring. Alert on any. */
  connectionTests: { inc(labels: { provider: string; result: string }): void };
  unsealFailures: { inc(): void };
  /** Counts looks at drained secrets that had to be kept, by why. */
  destructionsPostponed: { inc(labels: { reason: string }): void };
};

/** Builds the context; `overrides` replaces parts of it in tests. */
export async function createContext(
  config: Config,
  log: Logger,
  overrides: Partial<Context> = {},
): Promise<Context> {
  const metrics = overrides.metrics ?? createMetrics('merchant');
  const tls = loadTls(config.tls, { name: 'merchant', log, metrics });
  const keyring = overrides.keyring ?? (await openKeyring(config, { log, metrics }));
  return {
    config,
    log,
    metrics,
    keyring,
    orm: await createOrm({
      url: config.databaseUrl,
      entities,
      max: config.databasePoolMax,
      applicationName: 'merchant',
    }),
    pool: createPool({ url: config.databaseUrl, max: 4, applicationName: 'merchant-opening', log }),
    verifier: createVerifier('merchant', readTrustedKeys(config.trustedKeys)),
    tls,
    transactionClient: createClient(TransactionServiceClient, config.transactionAddress, {
      tls,
      server: 'transaction',
      metrics,
    }),
    authClient: createClient(AuthServiceClient, config.authAddress, { tls, server: 'auth', metrics }),
    egress: createEgress(config, log, metrics),
    openedSecrets: createOpenedSecrets(),
    logoJobs: createLogoJobs(),
    auditExports: new Set(),
    connectionTests: metrics.counter(
      'centra_merchant_connection_tests_total',
      'Tests of provider credentials by result',
      ['provider', 'result'],
    ),
    unsealFailures: metrics.counter(
      'centra_merchant_unseal_failures_total',
      'Sealed values that did not open',
      [],
    ),
    destructionsPostponed: metrics.counter(
      'centra_merchant_destructions_postponed_total',
      'Drained secrets kept past their time, by reason',
      ['reason'],
    ),
    ...overrides,
  };
}

function createEgress(config: Config, log: Logger, metrics: Metrics): GuardedAgent {
  const blocked = metrics.counter(
    'centra_merchant_egress_blocked_total',
    'Calls to URLs of hotels that were not made, by reason',
    ['reason'],
  );
  return createGuardedAgent({
    trustedTargets: config.webhookTrustedTargets,
    onBlocked(reason) {
      blocked.inc({ reason });
      log.warn({ reason }, 'a call to a URL of a hotel was not made');
    },
  });
}

/** Closes what `createContext` opened. */
export async function closeContext(context: Context): Promise<void> {
  context.transactionClient.close();
  context.authClient.close();
  context.tls.close();
  await context.keyring.close();
  await context.orm.close(true);
  await context.pool.end();
}
