import { BlockList, isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  ConfigError,
  envFile,
  envFlag,
  envInteger,
  envOptional,
  envPort,
  envText,
  envUrl,
} from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';
import { createFailpoint } from '@centra/service-kit/failpoint.ts';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { envTls } from '@centra/service-kit/tls.ts';
import type { TlsFiles } from '@centra/service-kit/tls.ts';
import { envToLimits } from './limits.ts';
import type { Limits } from './limits.ts';
import type { UpstreamName } from './routes.ts';

export type UpstreamConfig = {
  url: URL;
  /** Milliseconds from the first byte sent to the last byte received. */
  timeoutMs: number;
  /** Requests under way at once; the next one is refused. */
  concurrency: number;
};

export type Config = {
  host: string;
  httpPort: number;
  opsPort: number;
  upstreams: Readonly<Record<UpstreamName, UpstreamConfig>>;
  authGrpcAddress: string;
  merchantGrpcAddress: string;
  /** ES256 private key, PEM. */
  signingKey: Secret;
  /** The gateway's certificate for gRPC. */
  tls: TlsFiles;
  /** JSON Web Key Set of the services' public keys. */
  trustedKeys: string;
  /** Undefined: limits are counted in this process only. */
  redisUrl: string | undefined;
  limits: Limits;
  /** Milliseconds that a hotel's own limits are used before merchant is asked again. */
  merchantLimitsFreshMs: number;
  /** Peers whose X-Forwarded-For is believed; undefined: none. */
  trustedProxies: BlockList | undefined;
  /** Name of a service to the URL that says whether it is ready. */
  healthTargets: ReadonlyMap<string, string>;
  /** Whether the public listener shows `/docs` and `/openapi.json` too. */
  publicDocs: boolean;
  openapiFile: string;
  /** Milliseconds between `/ready` turning 503 and the listener closing, for load balancers to look away. */
  drainDelayMs: number;
  failpoint: Failpoint;
};

// A provider call may take 60 s; payment-api and transaction need some of the rest to write the outcome down.
const PAYMENT_TIMEOUT_MS = 75_000;
const TIMEOUT_MS = 15_000;
// One request under way holds about 50 KiB here. Payments wait for providers, so many may be under way at once.
const PAYMENT_CONCURRENCY = 1_024;
const CONCURRENCY = 128;
// The process is killed 25 s after SIGTERM, and requests under way need 20 s of that.
const DRAIN_DELAY_MAX_MS = 4_000;

/** Checks every variable the gateway reads; README.md describes them. */
export function envToConfig(env: Env): Config {
  const upstream = (
    name: string,
    fallbackUrl: string,
    timeoutMs: number,
    concurrency: number,
  ): UpstreamConfig => ({
    url: new URL(envUrl(env, `${name}_URL`, fallbackUrl)),
    timeoutMs: envInteger(env, `${name}_TIMEOUT_MS`, timeoutMs, 100, 300_000),
    concurrency: envInteger(env, `${name}_CONCURRENCY`, concurrency, 1, 100_000),
  });
  return {
    host: envText(env, 'HOST', '127.0.0.1'),
    httpPort: envPort(env, 'HTTP_PORT', 8080),
    opsPort: envPort(env, 'OPS_PORT', 9080),
    upstreams: {
      auth: upstream('AUTH', 'http://127.0.0.1:8001', TIMEOUT_MS, CONCURRENCY),
      merchant: upstream('MERCHANT', 'http://127.0.0.1:8002', TIMEOUT_MS, CONCURRENCY),
      'payment-api': upstream(
        'PAYMENT_API',
        'http://127.0.0.1:8004',
        PAYMENT_TIMEOUT_MS,
        PAYMENT_CONCURRENCY,
      ),
    },
    authGrpcAddress: envText(env, 'AUTH_GRPC_ADDRESS', '127.0.0.1:50051'),
    merchantGrpcAddress: envText(env, 'MERCHANT_GRPC_ADDRESS', '127.0.0.1:50055'),
    signingKey: new Secret(envFile(env, 'SIGNING_KEY_FILE')),
    tls: envTls(env),
    trustedKeys: envFile(env, 'TRUSTED_KEYS_FILE'),
    redisUrl: envOptional(env, 'REDIS_URL'),
    limits: envToLimits(env),
    merchantLimitsFreshMs: envInteger(env, 'MERCHANT_LIMITS_FRESH_SECONDS', 30, 1, 300) * 1_000,
    trustedProxies: toBlockList(envOptional(env, 'TRUSTED_PROXIES')),
    healthTargets: toHealthTargets(envOptional(env, 'HEALTH_TARGETS')),
    publicDocs: envFlag(env, 'PUBLIC_DOCS', false),
    openapiFile: envText(env, 'OPENAPI_FILE', fileURLToPath(new URL('../openapi.json', import.meta.url))),
    drainDelayMs: envInteger(env, 'DRAIN_DELAY_MS', 0, 0, DRAIN_DELAY_MAX_MS),
    failpoint: createFailpoint(env, 'api-gateway'),
  };
}

/** `10.0.0.0/8, 192.168.1.5, fd00::/8` */
function toBlockList(text: string | undefined): BlockList | undefined {
  if (text === undefined) return undefined;
  const list = new BlockList();
  for (const entry of text.split(',').map((each) => each.trim())) {
    const [address = '', prefix] = entry.split('/');
    const version = isIP(address);
    const bitsMax = version === 4 ? 32 : 128;
    const bits = prefix === undefined ? bitsMax : Number(prefix);
    if (version === 0 || !Number.isInteger(bits) || bits < 0 || bits > bitsMax || prefix === '')
      throw new ConfigError(`TRUSTED_PROXIES must list addresses or networks (10.0.0.0/8), not "${entry}"`);
    list.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** `auth=http://127.0.0.1:9001/ready,merchant=http://127.0.0.1:9002/ready` */
function toHealthTargets(text: string | undefined): Map<string, string> {
  const targets = new Map<string, string>();
  for (const entry of text === undefined ? [] : text.split(',').map((each) => each.trim())) {
    const separator = entry.indexOf('=');
    const name = entry.slice(0, Math.max(separator, 0));
    const url = entry.slice(separator + 1);
    if (name === '' || !URL.canParse(url) || !/^https?:/.test(url))
      throw new ConfigError(`HEALTH_TARGETS must list name=url, not "${entry}"`);
    targets.set(name, url);
  }
  return targets;
}
