import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { createAuthenticator } from '@centra/service-kit/authenticator.ts';
import type { Authenticator } from '@centra/service-kit/authenticator.ts';
import { createClient } from '@centra/service-kit/grpc.ts';
import { loadTls } from '@centra/service-kit/grpc-credentials.ts';
import { createKeyUsageReporter } from '@centra/service-kit/key-usage-reporter.ts';
import type { KeyUsageReporter } from '@centra/service-kit/key-usage-reporter.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import { createSigner, createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import type { Signer, Verifier } from '@centra/service-kit/service-identity.ts';
import type { Config } from './config.ts';
import { createOrigins } from './cors/origins.ts';
import type { Origins } from './cors/origins.ts';
import { createMerchantLimits } from './limits/merchant-limits.ts';
import type { MerchantLimits } from './limits/merchant-limits.ts';
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
  /** For client secrets, which payment-api signs for this door. */
  verifier: Verifier;
  authenticator: Authenticator;
  origins: Origins;
  limiter: RateLimiter;
  merchantLimits: MerchantLimits;
  upstreams: Readonly<Record<UpstreamName, Upstream>>;
  /** `draining` is set once, when the process begins to stop. */
  lifecycle: { draining: boolean };
  /** Counts what each API key asked, for auth. */
  usage: KeyUsageReporter;
  close(): Promise<void>;
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
  const tls = loadTls(config.tls, { name: 'api-gateway', log, metrics });
  const authClient = createClient(AuthServiceClient, config.authGrpcAddress, {
    tls,
    server: 'auth',
    metrics,
  });
  const merchantClient = createClient(MerchantServiceClient, config.merchantGrpcAddress, {
    tls,
    server: 'merchant',
    metrics,
  });
  const authenticator = createAuthenticator({ client: authClient, log });
  const usage = createKeyUsageReporter({ client: authClient, log });
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
    verifier: createVerifier('api-gateway', readTrustedKeys(config.trustedKeys)),
    authenticator,
    origins: overrides.origins ?? createOrigins({ client: merchantClient, log }),
    limiter,
    merchantLimits: createMerchantLimits({
      client: merchantClient,
      log,
      platform: config.limits,
      freshMs: config.merchantLimitsFreshMs,
    }),
    upstreams,
    lifecycle,
    usage,
    async close() {
      // First, while auth can still be asked.
      await usage.stop();
      authenticator.close();
      authClient.close();
      merchantClient.close();
      tls.close();
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
    credentials: metrics.counter(
      'centra_gateway_credentials_total',
      'Credentials shown, by kind and whether they were good',
      ['kind', 'outcome'],
    ),
    clientSeconds: metrics.clientSeconds,
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
