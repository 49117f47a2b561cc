import type { Plant } from '../plant.ts';

/** The door: limits that hold, credentials that end, logs that keep quiet (P9, P15). */
export const EDGE_PLANTS: readonly Plant[] = [
  {
    name: 'no-limit-without-redis',
    why: 'security row 58, reliability row 25: whoever can make Redis fail has no limit any more',
    edits: [
      {
        file: 'services/api-gateway/src/limits/rate-limiter.ts',
        find: `      turn(true, error);
      return await local.count(limit, key);`,
        replace: `      turn(true, error);
      return [];`,
      },
      {
        file: 'services/api-gateway/src/limits/rate-limiter.ts',
        find: 'if (isAway && Date.now() < probeAt) return await local.count(limit, key);',
        replace: 'if (isAway && Date.now() < probeAt) return [];',
      },
    ],
    suite: {
      file: 'services/api-gateway/src/limits/redis.test.ts',
      test: 'row 58: killed in the middle, each replica goes on counting; one log line each way; it heals',
    },
  },
  {
    name: 'revoked-key-trusted-for-an-hour',
    why: 'security row 25, P15: while revocations are not heard of, a stolen key goes on working',
    edits: [
      {
        file: 'packages/service-kit/src/authenticator.ts',
        find: 'const TTL_SILENT_MS = 2_000;',
        replace: 'const TTL_SILENT_MS = 3_600_000;',
      },
    ],
    suite: {
      file: 'packages/service-kit/src/authenticator.test.ts',
      test: 'while the stream is silent a key is trusted for two seconds only',
    },
  },
  {
    name: 'late-answer-undoes-a-revocation',
    why: 'security row 25, P15: an answer asked for before a key was revoked puts it back into the cache',
    edits: [
      {
        file: 'packages/service-kit/src/authenticator.ts',
        find: 'if (watch.generation() === generation) entries.set(hash, entry);',
        replace: 'if (watch.generation() >= generation) entries.set(hash, entry);',
      },
    ],
    suite: {
      file: 'packages/service-kit/src/authenticator.test.ts',
      test: 'an answer that a revocation has overtaken is not kept',
    },
  },
  {
    name: 'key-expiry-by-our-own-clock',
    why: 'security row 25, P17: a process whose clock is off refuses valid keys, or takes expired ones',
    edits: [
      {
        file: 'services/auth/src/api-keys/validate-api-key.ts',
        find: `return row.expired ? 'expired' : 'valid';`,
        replace: `return row.expires_at !== null && row.expires_at <= new Date() ? 'expired' : 'valid';`,
      },
    ],
    suite: {
      file: 'services/auth/src/api-keys/validate-api-key.test.ts',
      test: 'a service whose clock is 8 days ahead still takes a key that expires in an hour',
    },
  },
  {
    name: 'secret-compared-letter-by-letter',
    why: 'security row 20: the time of a refusal tells how much of a guessed hash was right',
    edits: [
      {
        file: 'services/auth/src/api-keys/validate-api-key.ts',
        find: `import { timingSafeEqual } from 'node:crypto';\n`,
        replace: '',
      },
      {
        file: 'services/auth/src/api-keys/validate-api-key.ts',
        find: 'timingSafeEqual(hash, row?.secret_hash ?? NO_HASH)',
        replace: 'hash.equals(row?.secret_hash ?? NO_HASH)',
      },
    ],
    suite: {
      file: 'services/auth/src/api-keys/validate-api-key.test.ts',
      test: 'every refusal costs the same steps as a valid key: one hash, one lookup, one comparison in constant time',
    },
  },
  {
    name: 'credential-passed-on',
    why: 'security row 13: the hotel’s API key reaches services and their logs',
    edits: [
      {
        file: 'services/api-gateway/src/upstreams/passed-headers.ts',
        find: `  'transfer-encoding',
  'idempotency-key',`,
        replace: `  'transfer-encoding',
  'idempotency-key',
  'authorization',`,
      },
    ],
    suite: {
      file: 'services/api-gateway/src/edge/forged-headers.test.ts',
      test: 'the key of idempotency and the body travel untouched; the credential does not',
    },
  },
  {
    name: 'query-in-the-access-log',
    why: 'security row 56: what stands in a query, a client’s secret too, is in each line',
    edits: [
      {
        file: 'services/api-gateway/src/edge/access-log.ts',
        find: 'path: exchange.path,',
        replace: 'path: request.url,',
      },
    ],
    suite: {
      file: 'services/api-gateway/src/edge/access-log.test.ts',
      test: 'one line tells a request from door to answer, without its body, query or credential',
    },
  },
];
