import { createFailpoint } from '@centra/service-kit/failpoint.ts';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import {
  ConfigError,
  envInteger,
  envIsProduction,
  envPort,
  envText,
  envUrl,
} from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';
import { envTls } from '@centra/service-kit/tls.ts';
import type { TlsFiles } from '@centra/service-kit/tls.ts';
import type { ModeUrls } from './providers/credential-check.ts';

export type Config = {
  host: string;
  grpcPort: number;
  opsPort: number;
  databaseUrl: string;
  databasePoolMax: number;
  merchantGrpcAddress: string;
  /** The service's certificate for gRPC. */
  tls: TlsFiles;
  /** Where Stripe's API is; only changed to reach the simulator. */
  stripeApiUrl: string;
  /** Where the card vault's API is; only changed to reach the simulator. */
  vaulteraBaseUrl: string;
  /** Where other providers are asked about credentials, by mode; only changed to reach the simulators. */
  checkUrls: Readonly<Record<'paypal' | 'payzone' | 'cmi' | 'tempo', ModeUrls>>;
  /** Where guests reach the built-in simulator's pages: payment-api's, through the gateway. */
  simulatorChallengeUrl: string;
  /** How long one call to a provider or vault may take. */
  providerTimeoutMs: number;
  /** How long an attempt owns its operation. */
  operationLeaseMs: number;
  sweepIntervalMs: number;
  /** How often open holds are looked at. */
  holdIntervalMs: number;
  /** How long before a hold lapses its hotel is told. */
  holdReminderMs: number;
  /** How long a hotel's opened credentials are remembered, which is how late a rotation bites. */
  credentialTtlMs: number;
  failpoint: Failpoint;
};

/** Checks every variable; throws ConfigError naming the first that is missing or unsafe. */
export function envToConfig(env: Env): Config {
  const config: Config = {
    host: envText(env, 'HOST', '127.0.0.1'),
    grpcPort: envPort(env, 'GRPC_PORT', 50053),
    opsPort: envPort(env, 'OPS_PORT', 9053),
    databaseUrl: envText(env, 'DATABASE_URL'),
    databasePoolMax: envInteger(env, 'DATABASE_POOL_MAX', 6, 1, 64),
    merchantGrpcAddress: envText(env, 'MERCHANT_GRPC_ADDRESS', 'localhost:50055'),
    tls: envTls(env),
    stripeApiUrl: envUrl(env, 'STRIPE_API_URL', 'https://api.stripe.com'),
    vaulteraBaseUrl: envUrl(env, 'VAULTERA_BASE_URL', 'https://pci.vaultera.co/api/v1'),
    checkUrls: envCheckUrls(env),
    simulatorChallengeUrl: envUrl(
      env,
      'SIMULATOR_CHALLENGE_URL',
      'http://localhost:8080/v1/simulator/challenges',
    ),
    providerTimeoutMs: envInteger(env, 'PROVIDER_TIMEOUT_MS', 30_000, 100, 60_000),
    operationLeaseMs: envInteger(env, 'OPERATION_LEASE_MS', 90_000, 500, 600_000),
    sweepIntervalMs: envInteger(env, 'SWEEP_INTERVAL_MS', 1_000, 10, 60_000),
    holdIntervalMs: envInteger(env, 'HOLD_INTERVAL_MS', 10_000, 10, 600_000),
    holdReminderMs: envInteger(env, 'HOLD_REMINDER_MS', 86_400_000, 0, 30 * 86_400_000),
    credentialTtlMs: envInteger(env, 'CREDENTIAL_TTL_MS', 5_000, 0, 60_000),
    failpoint: createFailpoint(env, 'transaction'),
  };
  // A sale makes up to two calls, one after the other. A lease that ends before them invites a second holder for nothing.
  if (config.operationLeaseMs < 2 * config.providerTimeoutMs + 300)
    throw new ConfigError('OPERATION_LEASE_MS must be longer than twice PROVIDER_TIMEOUT_MS');
  if (envIsProduction(env))
    for (const name of ['stripeApiUrl', 'vaulteraBaseUrl'] as const)
      if (!config[name].startsWith('https:')) throw new ConfigError(`${name} must be https in production`);
  if (envIsProduction(env))
    for (const [name, urls] of Object.entries(config.checkUrls))
      if (!Object.values(urls).every((url) => url.startsWith('https:')))
        throw new ConfigError(`the URLs of ${name} must be https in production`);
  return config;
}

/** The hosts that each provider publishes. */
function envCheckUrls(env: Env): Config['checkUrls'] {
  return {
    paypal: {
      live: envUrl(env, 'PAYPAL_API_URL', 'https://api-m.paypal.com'),
      test: envUrl(env, 'PAYPAL_SANDBOX_API_URL', 'https://api-m.sandbox.paypal.com'),
    },
    payzone: {
      live: envUrl(env, 'PAYZONE_API_URL', 'https://payment.payzone.ma'),
      test: envUrl(env, 'PAYZONE_SANDBOX_API_URL', 'https://payment-sandbox.payzone.ma'),
    },
    cmi: {
      live: envUrl(env, 'CMI_API_URL', 'https://payment.cmi.co.ma'),
      test: envUrl(env, 'CMI_TEST_API_URL', 'https://testpayment.cmi.co.ma'),
    },
    tempo: {
      live: envUrl(env, 'TEMPO_RPC_URL', 'https://rpc.tempo.xyz'),
      test: envUrl(env, 'TEMPO_TESTNET_RPC_URL', 'https://rpc.moderato.tempo.xyz'),
    },
  };
}
