import {
  ConfigError,
  envChoice,
  envFile,
  envInteger,
  envIsProduction,
  envOptional,
  envPort,
  envText,
  envUrl,
} from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { envTls } from '@centra/service-kit/tls.ts';
import type { TlsFiles } from '@centra/service-kit/tls.ts';

export type Config = {
  isProduction: boolean;
  host: string;
  httpPort: number;
  grpcPort: number;
  opsPort: number;
  /** The service's own role. Must keep its session (no transaction pooler between): revocations come by LISTEN. */
  databaseUrl: string;
  /** Connections for validating credentials; the ORM takes as many more, LISTEN one and mails three. */
  databasePoolMax: number;
  /** JSON Web Key Set of the services whose word is taken. */
  trustedKeys: string;
  /** The service's certificate for gRPC. */
  tls: TlsFiles;
  /** How long use of a key is collected before it is written. */
  usageFlushIntervalMs: number;
  /** host:port of the merchant service, which knows the hotels' names. */
  merchantAddress: string;
  /** Undefined: grants are cached in this process only, and log-ins counted here. */
  redisUrl: string | undefined;
  /** Local file with the master keys that seal second factors and signing keys. */
  keyringFile: string;
  /** bcrypt's cost, 10 to 15. */
  bcryptCost: number;
  tokens: TokenConfig;
  /** Log-ins a minute for one address and account together. */
  loginsPerMinute: number;
  mail: MailConfig;
};

export type TokenConfig = {
  /** The `iss` of access tokens. */
  issuer: string;
  algorithm: 'ES256' | 'HS256';
  /** For HS256 only: at least 32 bytes. */
  secret: Secret | undefined;
  /** Seconds an access token lives: 60 to 86,400. */
  accessTtlS: number;
  /** Days until signing moves to a new key. */
  rotationDays: number;
};

export type MailConfig = {
  /** smtp://… or smtps://… with credentials; undefined: mails are put in the maildir. */
  smtpUrl: Secret | undefined;
  /** Folder in Maildir form, for development. */
  maildir: string;
  from: string;
  /** Where the links in mails lead: the staff dashboard. */
  dashboardUrl: string;
};

// RFC 7518 §3.2: a key for HS256 is at least as long as its hash.
const HS256_SECRET_BYTES_MIN = 32;

/** Checks every variable; throws ConfigError naming the first that is missing or unsafe. */
export function envToConfig(env: Env): Config {
  const isProduction = envIsProduction(env);
  return {
    isProduction,
    host: envText(env, 'HOST', '127.0.0.1'),
    httpPort: envPort(env, 'HTTP_PORT', 8001),
    grpcPort: envPort(env, 'GRPC_PORT', 50051),
    opsPort: envPort(env, 'OPS_PORT', 9001),
    databaseUrl: envText(env, 'DATABASE_URL'),
    databasePoolMax: envInteger(env, 'DATABASE_POOL_MAX', 4, 1, 64),
    trustedKeys: envFile(env, 'TRUSTED_KEYS_FILE'),
    merchantAddress: envText(env, 'MERCHANT_GRPC_ADDRESS', '127.0.0.1:50055'),
    tls: envTls(env),
    usageFlushIntervalMs: envInteger(env, 'USAGE_FLUSH_INTERVAL_MS', 5_000, 10, 60_000),
    redisUrl: envOptional(env, 'REDIS_URL'),
    keyringFile: envText(env, 'KEYRING_FILE'),
    bcryptCost: envInteger(env, 'BCRYPT_COST', 12, 10, 15),
    tokens: toTokenConfig(env),
    loginsPerMinute: envInteger(env, 'LIMIT_LOGINS_PER_MINUTE', 5, 1, 10_000),
    mail: toMailConfig(env, isProduction),
  };
}

function toTokenConfig(env: Env): TokenConfig {
  const algorithm = envChoice(env, 'TOKEN_ALGORITHM', ['ES256', 'HS256'], 'ES256');
  const secret = algorithm === 'HS256' ? new Secret(envFile(env, 'TOKEN_SECRET_FILE').trim()) : undefined;
  if (secret !== undefined && Buffer.byteLength(secret.reveal()) < HS256_SECRET_BYTES_MIN)
    throw new ConfigError(`TOKEN_SECRET_FILE must hold at least ${HS256_SECRET_BYTES_MIN} bytes`);
  return {
    issuer: envText(env, 'TOKEN_ISSUER', 'centra-payments'),
    algorithm,
    secret,
    accessTtlS: envInteger(env, 'ACCESS_TOKEN_TTL_S', 900, 60, 86_400),
    rotationDays: envInteger(env, 'SIGNING_KEY_ROTATION_DAYS', 90, 1, 365),
  };
}

function toMailConfig(env: Env, isProduction: boolean): MailConfig {
  const smtp = envOptional(env, 'SMTP_URL');
  if (smtp === undefined && isProduction) throw new ConfigError('SMTP_URL is not set');
  if (smtp !== undefined && !/^smtps?:\/\//.test(smtp))
    throw new ConfigError('SMTP_URL must begin with smtp:// or smtps://');
  return {
    smtpUrl: smtp === undefined ? undefined : new Secret(smtp),
    maildir: envText(env, 'MAILDIR', '.data/mail'),
    from: envText(env, 'MAIL_FROM', 'Centra Payments <no-reply@centra.example>'),
    dashboardUrl: envUrl(env, 'DASHBOARD_URL', 'http://127.0.0.1:3001'),
  };
}
