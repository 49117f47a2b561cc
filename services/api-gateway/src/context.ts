import { credentials } from '@grpc/grpc-js';
import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { createApiKeyAuthenticator } from '@centra/service-kit/api-key-authenticator.ts';
import type { ApiKeyAuthenticator } from '@centra/service-kit/api-key-authenticator.ts';
import { CLIENT_OPTIONS } from '@centra/service-kit/grpc.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { Signer } from '@centra/service-kit/service-identity.ts';
import type { Config } from './config.ts';
import { createOrigins } from './cors/origins.ts';
import type { Origins } from './cors/origins.ts';
import { createRateLimiter } from './limits/rate-limiter.ts';
import type { RateLimiter } from './limits/rate-limiter.ts';
import type { UpstreamName } from './routes.ts';
import { createUpstream } from './upstreams/upstream.ts';
import type { Upstream } from './upstreams/upstream.ts';

export type Context = {
  config: Config;
  log: Logger;
  metrics: Metrics;
  counters: GatewayCounters;
  signer: Signer;
  authenticator: ApiKeyAuthenticator;
  origins: Origins;
  limiter: RateLimiter;
  upstreams: Readonly<Record<UpstreamName, Upstream>>;
  /** `draining` is set once, when the process begins to stop. */
  lifecycle: { draining: boolean };
  close(): void;
};

export type GatewayCounters = ReturnType<typeof createCounters>;

/** What a test may put in place of the real thing: a log that it reads, a part that fails. */
export type Overrides = Partial<Pick<Context, 'log' | 'origins'>>;

/** Builds everything that a request needs. Nothing here waits: connections are made when they are first used. */
export function createContext(config: Config, overrides: Overrides = {}): Context {
  const log = overrides.log ?? createLog('api-gateway');
  const metrics = createMetrics('api-gateway');
  const counters = createCounters(metrics);
  const signer = createSigner('api-gateway', config.signingKey.reveal());
  const lifecycle = { draining: false };
  const authClient = new AuthServiceClient(
    config.authGrpcAddress,
    credentials.createInsecure(),
    CLIENT_OPTIONS,
  );
  const merchantClient = new MerchantServiceClient(
    config.merchantGrpcAddress,
    credentials.createInsecure(),
    CLIENT_OPTIONS,
  );
  const authenticator = createApiKeyAuthenticator({ client: authClient, signer, log });
  const limiter = createRateLimiter({ redisUrl: config.redisUrl, limits: config.limits, log, metrics });
  const upstream = (name: UpstreamName): Upstream =>
    createUpstream({
      name,
      config: config.upstreams[name],
      failpoint: config.failpoint,
      lifecycle,
      counters,
      log,
    });
  const upstreams = {
    auth: upstream('auth'),
    merchant: upstream('merchant'),
    'payment-api': upstream('payment-api'),
  };
  return {
    config,
    log,
    metrics,
    counters,
    signer,
    authenticator,
    origins: overrides.origins ?? createOrigins({ client: merchantClient, signer, log }),
    limiter,
    upstreams,
    lifecycle,
    close() {
      authenticator.close();
      authClient.close();
      merchantClient.close();
      limiter.close();
      for (const each of Object.values(upstreams)) each.close();
    },
  };
}

function createCounters(metrics: Metrics) {
  return {
    limited: metrics.counter('centra_gateway_limited_total', 'Requests refused by a rate limit', ['limit']),
    shed: metrics.counter('centra_gateway_shed_total', 'Requests refused before they were passed on', [
      'upstream',
      'reason',
    ]),
    outcomes: metrics.counter('centra_gateway_upstream_total', 'Requests passed on, by what became of them', [
      'upstream',
      'outcome',
    ]),
    unknownOutcomes: metrics.counter(
      'centra_gateway_unknown_outcomes_total',
      'Writes whose answer was lost after they were sent',
      ['route'],
    ),
    breaker: metrics.gauge('centra_gateway_breaker_state', '0 closed, 1 open, 2 half open', ['upstream']),
  };
}
