import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createClient } from '@centra/service-kit/grpc.ts';
import { loadTls } from '@centra/service-kit/grpc-credentials.ts';
import type { Tls } from '@centra/service-kit/grpc-credentials.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { Config } from './config.ts';
import { createOperationWriter } from './operations/begin-operation.ts';
import type { OperationWriter } from './operations/begin-operation.ts';
import { createTransitionWriter } from './payments/transition.ts';
import type { TransitionWriter } from './payments/transition.ts';
import { createProviderAccounts } from './providers/provider-account.ts';
import type { ProviderAccounts } from './providers/provider-account.ts';
import { createProviders } from './providers/choose-provider.ts';
import type { Providers } from './providers/choose-provider.ts';
import { createHotelRouting } from './routing/hotel-routing.ts';
import type { HotelRouting } from './routing/hotel-routing.ts';

export type Context = {
  config: Config;
  log: Logger;
  metrics: Metrics;
  pool: Pool;
  /** Our side of gRPC connections. */
  tls: Tls;
  merchantClient: MerchantServiceClient;
  accounts: ProviderAccounts;
  /** What decides which of a hotel's accounts takes a payment. */
  routing: HotelRouting;
  providers: Providers;
  /** Durable write 1. */
  beginOperation: OperationWriter;
  /** Durable write 2. */
  writeTransition: TransitionWriter;
  /** How each operation attempt ended, and how long the provider took. */
  countOutcome(attempt: { provider: string; kind: string; outcome: string; seconds: number }): void;
  /** A payment that nothing was sent of went on to the next account of its route. */
  countFailover(move: { from: string; to: string }): void;
};

/** Everything an action needs. Tests override the parts that stand for the outside world. */
export function createContext(config: Config, log: Logger, overrides: Partial<Context> = {}): Context {
  const metrics = overrides.metrics ?? createMetrics('transaction');
  const pool =
    overrides.pool ??
    createPool({ url: config.databaseUrl, max: config.databasePoolMax, applicationName: 'transaction', log });
  const tls = overrides.tls ?? loadTls(config.tls, { name: 'transaction', log, metrics });
  const merchantClient =
    overrides.merchantClient ??
    createClient(MerchantServiceClient, config.merchantGrpcAddress, { tls, server: 'merchant', metrics });
  const outcomes = metrics.counter('centra_provider_outcomes_total', 'How provider attempts ended', [
    'provider',
    'kind',
    'outcome',
  ]);
  const failovers = metrics.counter(
    'centra_routing_failovers_total',
    'Payments that went on to the next account of their route, since nothing was sent to the one before',
    ['from', 'to'],
  );
  return {
    config,
    log,
    metrics,
    pool,
    tls,
    merchantClient,
    accounts: createProviderAccounts({ client: merchantClient, ttlMs: config.credentialTtlMs }),
    routing: createHotelRouting({ client: merchantClient, ttlMs: config.credentialTtlMs }),
    providers: createProviders(config, log),
    beginOperation: createOperationWriter(pool, config.operationLeaseMs),
    writeTransition: createTransitionWriter(pool),
    countFailover: (move) => failovers.inc(move),
    countOutcome({ provider, kind, outcome, seconds }) {
      outcomes.inc({ provider, kind, outcome });
      metrics.clientSeconds.observe({ target: provider, method: kind, status: outcome }, seconds);
    },
    ...overrides,
  };
}
