import {
  envChoice,
  envFile,
  envFlag,
  envInteger,
  envIsProduction,
  envOptional,
  envPort,
  envText,
  envUrl,
  ConfigError,
} from '@centra/service-kit/env.ts';
import { parseTrustedTargets } from '@centra/egress/trusted-targets.ts';
import type { TrustedTargets } from '@centra/egress/trusted-targets.ts';
import type { Env } from '@centra/service-kit/env.ts';
import { envTls } from '@centra/service-kit/tls.ts';
import type { TlsFiles } from '@centra/service-kit/tls.ts';
import type { VaultConfig } from './vault/vault-config.ts';

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
  /** host:port of the auth service, which knows who works where. */
  authAddress: string;
  /** Public keys of all services, JSON Web Key Set. */
  trustedKeys: string;
  /** The service's certificate for gRPC. */
  tls: TlsFiles;
  /** What wraps data keys from now on; the other one, when it is configured too, only unwraps. */
  masterKeys: 'file' | 'vault';
  /** Path of the master keyring; undefined when only Vault is used. */
  keyringFile: string | undefined;
  /** Undefined when only the file is used. */
  vault: VaultConfig | undefined;
  /** How long a data key that Vault opened is taken as fresh, seconds; at most three times as long it still serves. 0: not at all. */
  openedKeySeconds: number;
  /** How long replaced or deleted credentials still serve operations that began with them, hours. */
  drainHours: number;
  /** A hotel's data key older than this is replaced, days. */
  dataKeyMaxAgeDays: number;
  /** How long a wrapped data key rests before another master key, or version of it, wraps it again, seconds. */
  rewrapAfterSeconds: number;
  /** Between two rounds of replacing, wrapping and destroying keys, seconds. */
  keyMaintenanceSeconds: number;
  /** `host:port` of webhook receivers that may be called although they are not public; empty in production. */
  webhookTrustedTargets: TrustedTargets;
};

// Where a developer's keyring is created; a hotel's secrets are as lost as this file, so production names its own.
const DEVELOPMENT_KEYRING = '.data/merchant-keyring.json';

/** Checks every variable; throws ConfigError for a missing or unsafe one. */
export function envToConfig(env: Env): Config {
  const isProduction = envIsProduction(env);
  const vault = envToVault(env, isProduction);
  const masterKeys = envChoice(env, 'MASTER_KEYS', ['file', 'vault'], vault === undefined ? 'file' : 'vault');
  return {
    isProduction,
    host: envText(env, 'HOST', '127.0.0.1'),
    httpPort: envPort(env, 'HTTP_PORT', 8002),
    grpcPort: envPort(env, 'GRPC_PORT', 50_055),
    opsPort: envPort(env, 'OPS_PORT', 9002),
    databaseUrl: envText(env, 'DATABASE_URL'),
    databasePoolMax: envInteger(env, 'DATABASE_POOL_MAX', 8, 1, 64),
    transactionAddress: envText(env, 'TRANSACTION_GRPC_ADDRESS', '127.0.0.1:50053'),
    authAddress: envText(env, 'AUTH_GRPC_ADDRESS', '127.0.0.1:50051'),
    trustedKeys: envFile(env, 'TRUSTED_KEYS_FILE'),
    tls: envTls(env),
    ...envToKeyring(env, isProduction, masterKeys, vault),
    // 5 min: with three times that, an outage of ten minutes stops nobody whose key was in use.
    openedKeySeconds: envInteger(env, 'OPENED_KEY_SECONDS', 300, 0, 3600),
    // 72 h: the longest that an unknown outcome is chased before only a person can decide it.
    drainHours: envInteger(env, 'CREDENTIAL_DRAIN_HOURS', 72, 1, 720),
    dataKeyMaxAgeDays: envInteger(env, 'DATA_KEY_MAX_AGE_DAYS', 90, 1, 3650),
    // An hour: a rollout during which replicas disagree on the active master key is over by then.
    rewrapAfterSeconds: envInteger(env, 'REWRAP_AFTER_SECONDS', 3600, 0, 86_400),
    // Keys live for months.
    keyMaintenanceSeconds: envInteger(env, 'KEY_MAINTENANCE_SECONDS', 600, 1, 3600),
    webhookTrustedTargets: envToTrustedTargets(env, isProduction),
  };
}

function envToTrustedTargets(env: Env, isProduction: boolean): TrustedTargets {
  const targets = parseTrustedTargets(envOptional(env, 'WEBHOOK_TRUSTED_TARGETS') ?? '');
  if (targets === undefined)
    throw new ConfigError('WEBHOOK_TRUSTED_TARGETS must be host:port,host:port, as URLs spell them');
  // It would open our own network to whatever URL a hotel gives.
  if (isProduction && targets.length > 0)
    throw new ConfigError('WEBHOOK_TRUSTED_TARGETS is for development: in production no target is trusted');
  return targets;
}

function envToKeyring(
  env: Env,
  isProduction: boolean,
  masterKeys: Config['masterKeys'],
  vault: VaultConfig | undefined,
): Pick<Config, 'masterKeys' | 'keyringFile' | 'vault'> {
  if (masterKeys === 'vault' && vault === undefined)
    throw new ConfigError('MASTER_KEYS is vault, and VAULT_ADDR is not set');
  const keyringFile = envOptional(env, 'KEYRING_FILE');
  if (masterKeys === 'file' && keyringFile === undefined && isProduction)
    throw new ConfigError('KEYRING_FILE is not set: in production the master keyring must be given');
  return {
    masterKeys,
    keyringFile: keyringFile ?? (masterKeys === 'file' ? DEVELOPMENT_KEYRING : undefined),
    vault,
  };
}

function envToVault(env: Env, isProduction: boolean): VaultConfig | undefined {
  if (envOptional(env, 'VAULT_ADDR') === undefined) return undefined;
  return {
    address: toVaultOrigin('VAULT_ADDR', envUrl(env, 'VAULT_ADDR'), isProduction),
    nodes: listOf(envOptional(env, 'VAULT_NODES')).map((node) =>
      toVaultOrigin('VAULT_NODES', node, isProduction),
    ),
    namespace: envOptional(env, 'VAULT_NAMESPACE'),
    transitMount: toVaultName('VAULT_TRANSIT_MOUNT', envText(env, 'VAULT_TRANSIT_MOUNT', 'transit')),
    transitKey: toVaultName('VAULT_TRANSIT_KEY', envText(env, 'VAULT_TRANSIT_KEY')),
    transitOldKeys: listOf(envOptional(env, 'VAULT_TRANSIT_OLD_KEYS')).map((key) =>
      toVaultName('VAULT_TRANSIT_OLD_KEYS', key),
    ),
    authMount: toVaultName('VAULT_AUTH_MOUNT', envText(env, 'VAULT_AUTH_MOUNT', 'approle')),
    roleIdFile: envText(env, 'VAULT_ROLE_ID_FILE'),
    secretIdFile: envText(env, 'VAULT_SECRET_ID_FILE'),
    secretIdWrapped: envFlag(env, 'VAULT_SECRET_ID_WRAPPED', false),
    caFile: envOptional(env, 'VAULT_CA_FILE'),
    timeoutMs: envInteger(env, 'VAULT_TIMEOUT_MS', 5_000, 100, 10_000),
  };
}

function listOf(text: string | undefined): string[] {
  return (text ?? '').split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]));
}

function toVaultOrigin(name: string, text: string, isProduction: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.origin !== text)
    throw new ConfigError(`${name} must be http(s)://host:port and nothing more`);
  if (isProduction && url.protocol !== 'https:') throw new ConfigError(`${name} must be https in production`);
  return url.origin;
}

function toVaultName(name: string, text: string): string {
  // It stands in paths and in the names of master keys.
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(text))
    throw new ConfigError(`${name} must be 1 to 64 letters, digits, - or _`);
  return text;
}
