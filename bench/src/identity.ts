import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRateLimiter } from '@centra/api-gateway/limits/rate-limiter.ts';
import { envToLimits } from '@centra/api-gateway/limits.ts';
import type { Platform } from '@centra/dev/platform.ts';
import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { createAuthenticator } from '@centra/service-kit/authenticator.ts';
import { createClient } from '@centra/service-kit/grpc.ts';
import { loadTls } from '@centra/service-kit/grpc-credentials.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { createSigner, createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { measureTls } from './tls-cost.ts';

/** What one charge spends on a step; both in milliseconds. */
export type Cost = { cpuMs: number; waitMs: number };
export type IdentityCosts = Readonly<Record<string, Cost>>;

// All that is not inside one process: gateway to auth, payment-api to transaction, transaction to merchant. Two of the three
// answer from memory most of the time, so this is more than a charge really pays.
const GRPC_CALLS = 3;
const TURNS = 20_000;
const CONCURRENCY = 16;
// One at a time, for the time that a lone charge waits.
const ALONE_TURNS = 1_000;

/** Each step between a credential and a handler that knows who calls, as the services run it, with their caches warm. */
export async function measureIdentity(on: Platform, apiKeys: readonly string[]): Promise<IdentityCosts> {
  const log = createLog('bench', 'silent');
  const keys = join(on.dataDir, 'keys');
  const tls = loadTls(on.tlsFiles('api-gateway'), { name: 'api-gateway', log });
  const client = createClient(AuthServiceClient, on.grpc.auth, { tls, server: 'auth' });
  const authenticator = createAuthenticator({ client, log });
  const limits = envToLimits({ LIMIT_PAYMENTS_PER_SECOND: '1000000' });
  const limiter = createRateLimiter({
    redisUrl: on.redis?.url,
    limits,
    log,
    metrics: createMetrics('bench'),
  });
  const signer = createSigner('api-gateway', readFileSync(join(keys, 'api-gateway.pem'), 'utf8'));
  const verifier = createVerifier(
    'payment-api',
    readTrustedKeys(readFileSync(join(keys, 'trusted-keys.json'), 'utf8')),
  );
  try {
    const keyAt = (turn: number): string => apiKeys[turn % apiKeys.length] ?? '';
    const request = { requestId: 'req_bench000', address: '127.0.0.1' };
    const identities: Identity[] = [];
    for (const apiKey of apiKeys) {
      const { identity } = await authenticator.authenticate(apiKey, request);
      if (identity !== undefined) identities.push(identity);
    }
    if (identities.length !== apiKeys.length) throw new Error('a key of the bench is not taken');
    const identityAt = (turn: number): Identity => {
      const identity = identities[turn % identities.length];
      if (identity === undefined) throw new Error('no identity');
      return identity;
    };
    const tokens = identities.map((identity) => signer.identityToken('payment-api', identity));
    return {
      authenticate: await measure(
        async (turn) => void (await authenticator.authenticate(keyAt(turn), request)),
      ),
      limits: await measure(
        async (turn) => void (await limiter.consume(limits.payments, identityAt(turn).merchantId)),
      ),
      'sign (cached)': await measure((turn) => void signer.identityToken('payment-api', identityAt(turn))),
      'verify (cached)': await measure(
        (turn) => void verifier.verifyIdentity(tokens[turn % tokens.length] ?? ''),
      ),
      [`TLS on ${GRPC_CALLS} calls`]: await measureTls(measure, GRPC_CALLS),
    };
  } finally {
    authenticator.close();
    client.close();
    limiter.close();
    tls.close();
  }
}

export type Measure = (step: (turn: number) => Promise<void> | void, turns?: number) => Promise<Cost>;

/** CPU of this process for one step among many at once, and how long one takes alone (the median). */
async function measure(step: (turn: number) => Promise<void> | void, turns = TURNS): Promise<Cost> {
  await repeat(step, turns / 10);
  const before = process.cpuUsage();
  await repeat(step, turns);
  const { user, system } = process.cpuUsage(before);
  const waits: number[] = [];
  for (let turn = 0; turn < ALONE_TURNS; turn += 1) {
    const startedAt = performance.now();
    await step(turn);
    waits.push(performance.now() - startedAt);
  }
  return { cpuMs: (user + system) / 1000 / turns, waitMs: medianOf(waits) };
}

async function repeat(step: (turn: number) => Promise<void> | void, turns: number): Promise<void> {
  const run = async (_value: unknown, index: number): Promise<void> => {
    for (let turn = index; turn < turns; turn += CONCURRENCY) await step(turn);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, run));
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
