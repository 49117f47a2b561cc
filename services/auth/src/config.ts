import { envFile, envInteger, envPort, envText } from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';

export type Config = {
  host: string;
  httpPort: number;
  grpcPort: number;
  opsPort: number;
  /** The service's own role. Must keep its session (no transaction pooler between): revocations come by LISTEN. */
  databaseUrl: string;
  /** Connections for validating keys; the ORM takes up to 4 more and LISTEN one. */
  databasePoolMax: number;
  /** JSON Web Key Set of the services whose word is taken. */
  trustedKeys: string;
  /** How long use of a key is collected before it is written. */
  usageFlushIntervalMs: number;
};

/** Checks every variable; throws ConfigError naming the first that is missing or unsafe. */
export function envToConfig(env: Env): Config {
  return {
    host: envText(env, 'HOST', '127.0.0.1'),
    httpPort: envPort(env, 'HTTP_PORT', 8001),
    grpcPort: envPort(env, 'GRPC_PORT', 50051),
    opsPort: envPort(env, 'OPS_PORT', 9001),
    databaseUrl: envText(env, 'DATABASE_URL'),
    databasePoolMax: envInteger(env, 'DATABASE_POOL_MAX', 4, 1, 64),
    trustedKeys: envFile(env, 'TRUSTED_KEYS_FILE'),
    usageFlushIntervalMs: envInteger(env, 'USAGE_FLUSH_INTERVAL_MS', 5_000, 10, 60_000),
  };
}
