import { credentials } from '@grpc/grpc-js';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { CLIENT_OPTIONS } from '@centra/service-kit/grpc.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import { createSigner, createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import type { Signer, Verifier } from '@centra/service-kit/service-identity.ts';
import type { Config } from './config.ts';
import { createOperationWriter } from './operations/begin-operation.ts';
import type { OperationWriter } from './operations/begin-operation.ts';
import { createTransitionWriter } from './payments/transition.ts';
import type { TransitionWriter } from './payments/transition.ts';
import { createProviderAccounts } from './providers/provider-account.ts';
import type { ProviderAccounts } from './providers/provider-account.ts';
import { createProviders } from './providers/choose-provider.ts';
import type { Providers } from './providers/choose-provider.ts';

export type Context = {
  config: Config;
  log: Logger;
  metrics: Metrics;
  pool: Pool;
  signer: Signer;
  verifier: Verifier;
  merchantClient: MerchantServiceClient;
  accounts: ProviderAccounts;
  providers: Providers;
  /** Durable write 1. */
  beginOperation: OperationWriter;
  /** Durable write 2. */
  writeTransition: TransitionWriter;
  /** How each operation attempt ended, by provider. */
  countOutcome(provider: string, outcome: string): void;
};

/** Everything an action needs. Tests override the parts that stand for the outside world. */
export function createContext(config: Config, log: Logger, overrides: Partial<Context> = {}): Context {
  const metrics = overrides.metrics ?? createMetrics('transaction');
  const pool =
    overrides.pool ??
    createPool({ url: config.databaseUrl, max: config.databasePoolMax, applicationName: 'transaction', log });
  const signer = createSigner('transaction', config.signingKeyPem);
  const merchantClient =
    overrides.merchantClient ??
    new MerchantServiceClient(config.merchantGrpcAddress, credentials.createInsecure(), CLIENT_OPTIONS);
  const outcomes = metrics.counter('centra_provider_outcomes_total', 'How provider attempts ended', [
    'provider',
    'outcome',
  ]);
  return {
    config,
    log,
    metrics,
    pool,
    signer,
    verifier: createVerifier('transaction', readTrustedKeys(config.trustedKeys)),
    merchantClient,
    accounts: createProviderAccounts({ client: merchantClient, signer, ttlMs: config.credentialTtlMs }),
    providers: createProviders(config, log),
    beginOperation: createOperationWriter(pool, config.operationLeaseMs),
    writeTransition: createTransitionWriter(pool),
    countOutcome: (provider, outcome) => outcomes.inc({ provider, outcome }),
    ...overrides,
  };
}
