import {
  envFile,
  envInteger,
  envIsProduction,
  envOptional,
  envPort,
  envText,
  ConfigError,
} from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';
import { envTls } from '@centra/service-kit/tls.ts';
import type { TlsFiles } from '@centra/service-kit/tls.ts';

export type Config = {
  /** True switches plain-http origins and the created keyring off. */
  isProduction: boolean;
  host: string;
  httpPort: number;
  grpcPort: number;
  opsPort: number;
  databaseUrl: string;
  /** Connections to the database. */
  databasePoolMax: number;
  /** host:port of the transaction service, which talks to providers. */
  transactionAddress: string;
  /** Public keys of all services, JSON Web Key Set. */
  trustedKeys: string;
  /** The service's certificate for gRPC. */
  tls: TlsFiles;
  /** Path of the master keyring. */
  keyringFile: string;
  /** How long replaced or deleted credentials still serve operations that began with them, hours. */
  drainHours: number;
  /** A hotel's data key older than this is replaced, days. */
  dataKeyMaxAgeDays: number;
};

// Where a developer's keyring is created; a hotel's secrets are as lost as this file, so production names its own.
const DEVELOPMENT_KEYRING = '.data/merchant-keyring.json';

/** Checks every variable; throws ConfigError for a missing or unsafe one. */
export function envToConfig(env: Env): Config {
  const isProduction = envIsProduction(env);
  const keyringFile = envOptional(env, 'KEYRING_FILE');
  if (keyringFile === undefined && isProduction)
    throw new ConfigError('KEYRING_FILE is not set: in production the master keyring must be given');
  return {
    isProduction,
    host: envText(env, 'HOST', '127.0.0.1'),
    httpPort: envPort(env, 'HTTP_PORT', 8002),
    grpcPort: envPort(env, 'GRPC_PORT', 50_055),
    opsPort: envPort(env, 'OPS_PORT', 9002),
    databaseUrl: envText(env, 'DATABASE_URL'),
    databasePoolMax: envInteger(env, 'DATABASE_POOL_MAX', 8, 1, 64),
    transactionAddress: envText(env, 'TRANSACTION_GRPC_ADDRESS', '127.0.0.1:50053'),
    trustedKeys: envFile(env, 'TRUSTED_KEYS_FILE'),
    tls: envTls(env),
    keyringFile: keyringFile ?? DEVELOPMENT_KEYRING,
    // 72 h: the longest that an unknown outcome is chased before only a person can decide it.
    drainHours: envInteger(env, 'CREDENTIAL_DRAIN_HOURS', 72, 1, 720),
    dataKeyMaxAgeDays: envInteger(env, 'DATA_KEY_MAX_AGE_DAYS', 90, 1, 3650),
  };
}
