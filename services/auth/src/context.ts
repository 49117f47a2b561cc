import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createClient } from '@centra/service-kit/grpc.ts';
import { loadTls } from '@centra/service-kit/grpc-credentials.ts';
import type { Tls } from '@centra/service-kit/grpc-credentials.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { readKeyring } from '@centra/service-kit/keyring.ts';
import type { Keyring } from '@centra/service-kit/keyring.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import { createOrm } from '@centra/service-kit/orm.ts';
import { createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import type { Verifier } from '@centra/service-kit/service-identity.ts';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { createPasswordHasher } from './accounts/password-hasher.ts';
import type { PasswordHasher } from './accounts/password-hasher.ts';
import { startUsageRecorder } from './api-keys/record-usage.ts';
import type { UsageRecorder } from './api-keys/record-usage.ts';
import { validationCounter } from './api-keys/validate-api-key.ts';
import type { ValidationCounter } from './api-keys/validate-api-key.ts';
import type { Config } from './config.ts';
import { entities } from './entities.ts';
import { startMailer } from './emails/mailer.ts';
import type { Mailer } from './emails/mailer.ts';
import { createGrants } from './grants/grant.ts';
import type { Grants } from './grants/grant.ts';
import { startRevocationFeed } from './revocations/revocation-feed.ts';
import type { RevocationFeed } from './revocations/revocation-feed.ts';
import { loginCounter, refreshCounter } from './sessions/login-counter.ts';
import type { OutcomeCounter } from './sessions/login-counter.ts';
import { createLoginLimiter } from './sessions/login-limiter.ts';
import type { LoginLimiter } from './sessions/login-limiter.ts';
import { createSigningKeys } from './tokens/signing-keys.ts';
import type { SigningKeys } from './tokens/signing-keys.ts';
import { tokenValidationCounter } from './tokens/validate-access-token.ts';
import type { TokenValidationCounter } from './tokens/validate-access-token.ts';

export type Context = {
  config: Config;
  log: Logger;
  metrics: Metrics;
  verifier: Verifier;
  /** Our side of gRPC connections. */
  tls: Tls;
  merchantClient: MerchantServiceClient;
  /** Master keys: seal second factors and signing keys. */
  keyring: Keyring;
  /** For the hot path: validating credentials. */
  pool: Pool;
  /** For everything else. */
  orm: MikroORM;
  usage: UsageRecorder;
  revocations: RevocationFeed;
  validations: ValidationCounter;
  passwords: PasswordHasher;
  loginLimiter: LoginLimiter;
  logins: OutcomeCounter;
  refreshes: OutcomeCounter;
  signingKeys: SigningKeys;
  tokenValidations: TokenValidationCounter;
  grants: Grants;
  mailer: Mailer;
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
  const tls = loadTls(config.tls, { name: 'auth', log, metrics });
  const keyring = await readKeyring(config.keyringFile, config);
  const orm = await createOrm({
    url: config.databaseUrl,
    entities,
    max: config.databasePoolMax,
    applicationName: 'auth',
  });
  const revocations = startRevocationFeed({ databaseUrl: config.databaseUrl, log, metrics });
  return {
    config,
    log,
    metrics,
    verifier: createVerifier('auth', readTrustedKeys(config.trustedKeys)),
    tls,
    merchantClient: createClient(MerchantServiceClient, config.merchantAddress, {
      tls,
      server: 'merchant',
      metrics,
    }),
    keyring,
    pool,
    orm,
    usage: startUsageRecorder({ pool, log, intervalMs: config.usageFlushIntervalMs }),
    revocations,
    validations: validationCounter(metrics),
    passwords: createPasswordHasher({ cost: config.bcryptCost, metrics }),
    loginLimiter: createLoginLimiter(
      { log },
      { redisUrl: config.redisUrl, perMinute: config.loginsPerMinute },
    ),
    logins: loginCounter(metrics),
    refreshes: refreshCounter(metrics),
    signingKeys: createSigningKeys({ pool, keyring, log }, config.tokens),
    tokenValidations: tokenValidationCounter(metrics),
    grants: createGrants({ pool, keyring, log, metrics, revocations }, { redisUrl: config.redisUrl }),
    mailer: startMailer({ orm, log, metrics, databaseUrl: config.databaseUrl }, config.mail),
  };
}

/** Ends the context once nobody calls any more; what was collected is written first. */
export async function closeContext(context: Context): Promise<void> {
  context.merchantClient.close();
  context.tls.close();
  await context.revocations.close();
  await context.mailer.stop();
  await context.signingKeys.stop();
  context.grants.close();
  context.loginLimiter.close();
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

/** The same with one person in sight: their own account, sessions, factors and memberships. */
export function asReaderOfUser(context: Context, userId: string): EntityManager {
  return context.orm.em.fork({
    session: { role: 'auth_reader', variables: { 'centra.user_id': userId } },
  });
}
