import {
  ConfigError,
  envFile,
  envInteger,
  envIsProduction,
  envPort,
  envText,
} from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';
import { createFailpoint } from '@centra/service-kit/failpoint.ts';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import { envTls } from '@centra/service-kit/tls.ts';
import type { TlsFiles } from '@centra/service-kit/tls.ts';
import type { Pricing } from './quotes/pricing.ts';
import { SHIPPED_PRICING_FILE, readPricingFile } from './quotes/pricing-file.ts';

export type Config = {
  host: string;
  httpPort: number;
  grpcPort: number;
  opsPort: number;
  databaseUrl: string;
  databasePoolMax: number;
  authGrpcAddress: string;
  transactionGrpcAddress: string;
  signingKeyPem: string;
  trustedKeys: string;
  /** The service's certificate for gRPC. */
  tls: TlsFiles;
  /** How long a charge may take in all, repeats of a lost call included. */
  saleDeadlineMs: number;
  /** How often expired replies are looked for. */
  reapIntervalMs: number;
  /** What quotes are made from; read once, at the start. */
  pricing: Pricing;
  /** How long a quote holds. */
  quoteLifetimeMinutes: number;
  /** Refuses conveniences of development, such as a return_url without TLS. */
  production: boolean;
  failpoint: Failpoint;
};

/** Checks every variable; throws ConfigError naming the first that is missing or unsafe. */
export function envToConfig(env: Env): Config {
  return {
    host: envText(env, 'HOST', '127.0.0.1'),
    httpPort: envPort(env, 'HTTP_PORT', 8004),
    grpcPort: envPort(env, 'GRPC_PORT', 50054),
    opsPort: envPort(env, 'OPS_PORT', 9004),
    databaseUrl: envText(env, 'DATABASE_URL'),
    // One connection writes batches of replies, the rest read replays: 4 keep up with far more than one process takes.
    databasePoolMax: envInteger(env, 'DATABASE_POOL_MAX', 4, 1, 64),
    authGrpcAddress: envAddress(env, 'AUTH_GRPC_ADDRESS', 'localhost:50051'),
    transactionGrpcAddress: envAddress(env, 'TRANSACTION_GRPC_ADDRESS', 'localhost:50053'),
    signingKeyPem: envFile(env, 'SIGNING_KEY_FILE'),
    trustedKeys: envFile(env, 'TRUSTED_KEYS_FILE'),
    tls: envTls(env),
    // Transaction makes up to two provider calls of 30 s, one after the other.
    saleDeadlineMs: envInteger(env, 'SALE_DEADLINE_MS', 70_000, 500, 300_000),
    reapIntervalMs: envInteger(env, 'REAP_INTERVAL_MS', 600_000, 10, 86_400_000),
    pricing: readPricingFile(envText(env, 'PRICING_FILE', SHIPPED_PRICING_FILE)),
    // Time to type a card number and to pass a bank's challenge; a day is the longest a price may lag behind its file.
    quoteLifetimeMinutes: envInteger(env, 'QUOTE_LIFETIME_MINUTES', 30, 1, 1_440),
    production: envIsProduction(env),
    failpoint: createFailpoint(env, 'payment-api'),
  };
}

/** host:port of a gRPC server. */
function envAddress(env: Env, name: string, fallback: string): string {
  const address = envText(env, name, fallback);
  if (!/^[^\s/]+:\d{1,5}$/.test(address))
    throw new ConfigError(`${name} must be host:port, not "${address}"`);
  return address;
}
