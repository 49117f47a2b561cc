import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { RateLimit } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { hasRedisServer, startRedisServer } from '@centra/testkit/redis-server.ts';
import type { RedisServer } from '@centra/testkit/redis-server.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { burst, charge, count, read, waitUntilShared } from '../testing/payment-calls.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { ApiKey, RealAuth } from '../testing/real-auth.ts';
import { startRealMerchant } from '../testing/real-merchant.ts';
import type { RealMerchant } from '../testing/real-merchant.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

// In CI a missing Redis fails the file at its start instead.
const skip = hasRedisServer() || process.env['CI'] === 'true' ? false : 'redis-server is not installed';

// The platform's own: 10 payments an hour, so that no count depends on how fast this machine is.
const PLATFORM = {
  LIMIT_PAYMENTS_PER_SECOND: '1000',
  LIMIT_PAYMENTS_PER_HOUR: '10',
  LIMIT_DEFAULT_PER_SECOND: '1000',
  MERCHANT_LIMITS_FRESH_SECONDS: '1',
};
const PLATFORM_POLICY = '"payments";q=1000;w=1, "payments-hour";q=10;w=3600';

let auth: RealAuth;
let merchant: RealMerchant;
let upstream: UpstreamDouble;
before(async () => {
  auth = await startRealAuth();
  merchant = await startRealMerchant(auth);
  upstream = await startUpstream();
});
after(async () => {
  await upstream.close();
  await merchant.stop();
  await auth.stop();
});

async function startGateway(env: Record<string, string> = {}): Promise<TestGateway> {
  const urls = { paymentApi: upstream.url, merchantGrpc: merchant.grpcAddress };
  return await startTestGateway(auth, urls, { ...PLATFORM, ...env });
}

/** A key of a registered hotel that has these limits. */
async function hotelWith(limits: RateLimit[]): Promise<ApiKey> {
  const key = await auth.createKey();
  await merchant.createMerchant(key.merchantId);
  await merchant.setLimits(key.merchantId, limits);
  return key;
}

async function policyOf(gateway: TestGateway, { secret }: ApiKey): Promise<string> {
  return String((await charge(gateway, secret)).headers['ratelimit-policy']);
}

/** Reads, which cost no payment, until the hotel's policy is that one. */
async function waitForPolicy(gateway: TestGateway, { secret }: ApiKey, policy: string): Promise<void> {
  await waitFor(`the policy ${policy}`, async () =>
    (await read(gateway, secret)).headers['ratelimit-policy'] === policy ? true : undefined,
  );
}

const ROUNDS = 20;

/** Milliseconds that so many reads one after the other take. */
async function timeOf(gateway: TestGateway, { secret }: ApiKey): Promise<number> {
  const startedAt = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) await read(gateway, secret);
  return performance.now() - startedAt;
}

const hour = (quota: number): RateLimit => ({ name: 'payments-hour', quota });

for (const place of ['memory', 'redis'] as const) {
  describe(`a hotel’s own limits, counted in ${place}`, { skip: place === 'redis' ? skip : false }, () => {
    let redis: RedisServer | undefined;
    let gateway: TestGateway;
    beforeEach(async () => {
      redis = place === 'redis' ? await startRedisServer() : undefined;
      gateway = await startGateway({ REDIS_URL: redis?.url ?? '' });
      if (redis !== undefined) await waitUntilShared(gateway, (await auth.createKey()).secret);
    });
    afterEach(async () => {
      await gateway.close();
      await redis?.stop();
    });

    test('count from its very first request, in the headers too; other hotels keep the platform’s', async () => {
      const [large, small, usual] = [
        await hotelWith([hour(15)]),
        await hotelWith([hour(3)]),
        await hotelWith([]),
      ];
      const answers = await burst(gateway, large.secret, 20);
      assert.equal(count(answers, 200), 15);
      assert.equal(count(await burst(gateway, small.secret, 20), 200), 3);
      assert.equal(count(await burst(gateway, usual.secret, 20), 200), 10);
      // One that merchant does not know at all.
      assert.equal(count(await burst(gateway, (await auth.createKey()).secret, 20), 200), 10);
      for (const { headers } of answers)
        assert.equal(headers['ratelimit-policy'], '"payments";q=1000;w=1, "payments-hour";q=15;w=3600');
      const refused = answers.find(({ status }) => status === 429);
      assert.match(String(refused?.headers['ratelimit']), /"payments-hour";r=0;t=\d+$/);
      assert.ok(Number(refused?.headers['retry-after']) > 3_000);
    });

    test('a change takes effect without a restart, and what was used stays used', async () => {
      const key = await hotelWith([hour(4), { name: 'default', quota: 500 }]);
      assert.equal(count(await burst(gateway, key.secret, 6), 200), 4);
      await merchant.setLimits(key.merchantId, [hour(9), { name: 'default', quota: 501 }]);
      await waitForPolicy(gateway, key, '"default";q=501;w=1');
      // Six were counted: four that passed and two that were refused.
      assert.equal(count(await burst(gateway, key.secret, 6), 200), 3);
      await merchant.setLimits(key.merchantId, [hour(2), { name: 'default', quota: 502 }]);
      await waitForPolicy(gateway, key, '"default";q=502;w=1');
      assert.equal((await charge(gateway, key.secret)).status, 429);
      await merchant.setLimits(key.merchantId, []);
      await waitForPolicy(gateway, key, '"default";q=1000;w=1');
      assert.equal(await policyOf(gateway, key), PLATFORM_POLICY);
    });
  });
}

describe('row 58: what is away', () => {
  test('Redis killed: the hotel’s own limit goes on being counted in the process', { skip }, async () => {
    const redis = await startRedisServer();
    const gateway = await startGateway({ REDIS_URL: redis.url });
    try {
      await waitUntilShared(gateway, (await auth.createKey()).secret);
      const key = await hotelWith([hour(5)]);
      assert.equal((await charge(gateway, key.secret)).status, 200);
      await redis.kill9();
      assert.equal(count(await burst(gateway, key.secret, 20), 200), 5);
      assert.equal(count(await burst(gateway, (await auth.createKey()).secret, 20), 200), 10);
    } finally {
      await gateway.close();
      await redis.stop();
    }
  });

  test('merchant frozen: known hotels keep their limits, unknown ones get the platform’s, and no request waits for it', async () => {
    const gateway = await startGateway();
    try {
      const [known, unknown] = [await hotelWith([hour(5)]), await hotelWith([hour(5)])];
      assert.equal(count(await burst(gateway, known.secret, 2), 200), 2);
      const usualMs = await timeOf(gateway, known);
      merchant.freeze();
      try {
        // More than the second for which an answer is fresh, and than the deadline of the question that is then asked.
        await waitFor('merchant to be missed', async () => {
          await read(gateway, known.secret);
          return gateway.lines.some((line) => String(line['message']).startsWith('merchant is away'))
            ? true
            : undefined;
        });
        assert.equal(count(await burst(gateway, known.secret, 20), 200), 3);
        assert.equal(count(await burst(gateway, unknown.secret, 20), 200), 10);
        // If each waited for merchant, these would take as many times 250 ms longer.
        for (const key of [known, unknown])
          assert.ok((await timeOf(gateway, key)) < usualMs + (ROUNDS * 250) / 2, `usually ${usualMs} ms`);
      } finally {
        merchant.thaw();
      }
      await waitFor('merchant to be heard again', async () => {
        const { headers } = await charge(gateway, unknown.secret);
        return headers['ratelimit-policy']?.includes('"payments-hour";q=5;') === true ? true : undefined;
      });
    } finally {
      await gateway.close();
    }
  });

  test('merchant never there: the platform’s limits, and one line in the log', async () => {
    const gateway = await startTestGateway(auth, { paymentApi: upstream.url }, PLATFORM);
    try {
      const keys = [await auth.createKey(), await auth.createKey()];
      for (const { secret } of keys) assert.equal(count(await burst(gateway, secret, 15), 200), 10);
      const said = gateway.lines.filter((line) => String(line['message']).startsWith('merchant is away'));
      assert.equal(said.length, 1);
    } finally {
      await gateway.close();
    }
  });
});
