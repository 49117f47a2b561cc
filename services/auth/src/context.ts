import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import { createOrm } from '@centra/service-kit/orm.ts';
import { createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import type { Verifier } from '@centra/service-kit/service-identity.ts';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { startUsageRecorder } from './api-keys/record-usage.ts';
import type { UsageRecorder } from './api-keys/record-usage.ts';
import { validationCounter } from './api-keys/validate-api-key.ts';
import type { ValidationCounter } from './api-keys/validate-api-key.ts';
import type { Config } from './config.ts';
import { entities } from './entities.ts';
import { startRevocationFeed } from './revocations/revocation-feed.ts';
import type { RevocationFeed } from './revocations/revocation-feed.ts';

export type Context = {
  log: Logger;
  metrics: Metrics;
  verifier: Verifier;
  /** For the hot path: validating keys. */
  pool: Pool;
  /** For everything else. */
  orm: MikroORM;
  usage: UsageRecorder;
  revocations: RevocationFeed;
  validations: ValidationCounter;
};

/** What a test may bring itself. */
export type Overrides = Partial<Pick<Context, 'log' | 'pool'>>;

/** Everything the handlers work with. Starts the usage loop and the LISTEN connection; `closeContext` stops them. */
export async function createContext(config: Config, overrides: Overrides = {}): Promise<Context> {
  const log = overrides.log ?? createLog('auth');
  const metrics = createMetrics('auth');
  const pool =
    overrides.pool ??
    createPool({ url: config.databaseUrl, max: config.databasePoolMax, applicationName: 'auth', log });
  return {
    log,
    metrics,
    verifier: createVerifier('auth', readTrustedKeys(config.trustedKeys)),
    pool,
    orm: await createOrm({
      url: config.databaseUrl,
      entities,
      max: config.databasePoolMax,
      applicationName: 'auth',
    }),
    usage: startUsageRecorder({ pool, log, intervalMs: config.usageFlushIntervalMs }),
    revocations: startRevocationFeed({ databaseUrl: config.databaseUrl, log, metrics }),
    validations: validationCounter(metrics),
  };
}

/** Ends the context once nobody calls any more; what was collected is written first. */
export async function closeContext(context: Context): Promise<void> {
  await context.revocations.close();
  await context.usage.stop();
  await context.orm.close(true);
  await context.pool.end();
}

/**
 * The ORM as `auth_reader` with one merchant in sight: row level security hides every other merchant's rows, even from
 * a query that forgets to ask for its own.
 */
export function asReader(context: Context, merchantId: string): EntityManager {
  return context.orm.em.fork({
    session: { role: 'auth_reader', variables: { 'centra.merchant_id': merchantId } },
  });
}
