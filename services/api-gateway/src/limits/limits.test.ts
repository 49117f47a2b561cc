import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '@centra/testkit/pause.ts';
import { hasRedisServer, startRedisServer } from '@centra/testkit/redis-server.ts';
import type { RedisServer } from '@centra/testkit/redis-server.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call, jsonPost } from '../testing/http-call.ts';
import type { Answer } from '../testing/http-call.ts';
import { burst, charge, count, waitUntilShared } from '../testing/payment-calls.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

// In CI a missing Redis fails the file at its start instead.
const skip = hasRedisServer() || process.env['CI'] === 'true' ? false : 'redis-server is not installed';

let auth: RealAuth;
let upstream: UpstreamDouble;
before(async () => {
  auth = await startRealAuth();
  upstream = await startUpstream();
});
after(async () => {
  await upstream.close();
  await auth.stop();
});

async function withGateway(
  env: Record<string, string>,
  use: (gateway: TestGateway) => Promise<void>,
): Promise<void> {
  const gateway = await startTestGateway(auth, { paymentApi: upstream.url, merchant: upstream.url }, env);
  try {
    await use(gateway);
  } finally {
    await gateway.close();
  }
}

// The same promises hold whether limits are counted in Redis or in the process.
for (const place of ['memory', 'redis'] as const) {
  describe(`row 58, counted in ${place}`, { skip: place === 'redis' ? skip : false }, () => {
    let redis: RedisServer | undefined;
    let gateway: TestGateway;
    before(async () => {
      redis = place === 'redis' ? await startRedisServer() : undefined;
      // A window of an hour, so that the count does not depend on how fast this machine is.
      gateway = await startTestGateway(
        auth,
        { paymentApi: upstream.url, merchant: upstream.url },
        {
          REDIS_URL: redis?.url ?? '',
          LIMIT_PAYMENTS_PER_SECOND: '1000',
          LIMIT_PAYMENTS_PER_HOUR: '20',
          LIMIT_DEFAULT_PER_SECOND: '1000',
        },
      );
      if (redis !== undefined) await waitUntilShared(gateway, (await auth.createKey()).secret);
    });
    after(async () => {
      await gateway.close();
      await redis?.stop();
    });

    test('the 21st is 429 with Retry-After and headers; the service sees 20', async () => {
      const { secret } = await auth.createKey();
      const earlier = upstream.seen.length;
      const answers = await burst(gateway, secret, 25);
      assert.equal(count(answers, 200), 20);
      assert.equal(upstream.seen.length, earlier + 20);
      const refused = answers.find((answer) => answer.status === 429);
      assert.equal(refused?.json['code'], 'too_many_requests');
      assert.ok(Number(refused?.headers['retry-after']) > 3_000);
      assert.match(String(refused?.headers['ratelimit']), /"payments-hour";r=0;t=\d+$/);
    });

    test('another hotel, and another kind of request of the same hotel, are not affected', async () => {
      const [busy, calm] = [await auth.createKey(), await auth.createKey()];
      await burst(gateway, busy.secret, 25);
      assert.equal((await charge(gateway, busy.secret)).status, 429);
      assert.equal((await charge(gateway, calm.secret)).status, 200);
      assert.equal((await call(`${gateway.url}/v1/payments`, { headers: bearer(busy.secret) })).status, 200);
    });

    test('all keys of a hotel share its limit', async () => {
      const first = await auth.createKey();
      const second = await auth.createKey({ merchantId: first.merchantId });
      const answers = [
        ...(await burst(gateway, first.secret, 15)),
        ...(await burst(gateway, second.secret, 15)),
      ];
      assert.equal(count(answers, 200), 20);
    });

    test('the headers tell quota, rest and reset of each window', async () => {
      const { secret } = await auth.createKey();
      const { headers } = await charge(gateway, secret);
      assert.equal(headers['ratelimit-policy'], '"payments";q=1000;w=1, "payments-hour";q=20;w=3600');
      assert.match(
        String(headers['ratelimit']),
        /^"payments";r=999;t=1, "payments-hour";r=19;t=3(600|59\d)$/,
      );
    });

    test('a request without its scope, or refused for its form, uses nothing up', async () => {
      const writer = await auth.createKey({ scopes: ['payments:write'] });
      const reader = await auth.createKey({ merchantId: writer.merchantId, scopes: ['payments:read'] });
      assert.equal((await charge(gateway, reader.secret)).status, 403);
      const form = { ...jsonPost(writer.secret, {}, { 'content-type': 'text/plain' }) };
      assert.equal((await call(`${gateway.url}/v1/charge`, form)).status, 415);
      const { headers } = await charge(gateway, writer.secret);
      assert.match(String(headers['ratelimit']), /"payments-hour";r=19;/);
    });
  });
}

test('the default limits are 20 payments a second and 10,000 an hour, 100 reads and 10 settings a second', async () => {
  await withGateway({}, async (gateway) => {
    const { secret } = await auth.createKey();
    const payment = await charge(gateway, secret);
    assert.equal(payment.headers['ratelimit-policy'], '"payments";q=20;w=1, "payments-hour";q=10000;w=3600');
    const read = await call(`${gateway.url}/v1/payments`, { headers: bearer(secret) });
    assert.equal(read.headers['ratelimit-policy'], '"default";q=100;w=1');
    const settings = await call(`${gateway.url}/v1/providers`, { headers: bearer(secret) });
    assert.equal(settings.headers['ratelimit-policy'], '"admin";q=10;w=1');
  });
});

test('a refused second does not use up the hour, and the next second begins anew', async () => {
  await withGateway({ LIMIT_PAYMENTS_PER_SECOND: '2', LIMIT_PAYMENTS_PER_HOUR: '1000' }, async (gateway) => {
    const { secret } = await auth.createKey();
    const answers = await burst(gateway, secret, 30);
    assert.ok(count(answers, 429) > 0);
    const refused = answers.find((answer) => answer.status === 429);
    assert.equal(refused?.headers['retry-after'], '1');
    const next = await waitFor('the next second', async () => {
      const answer = await charge(gateway, secret);
      return answer.status === 200 ? answer : undefined;
    });
    const rest = Number(/"payments-hour";r=(\d+)/.exec(String(next.headers['ratelimit']))?.[1]);
    assert.equal(rest, 1000 - count(answers, 200) - 1);
  });
});

describe('credentials that are refused', () => {
  test('are slowed per address after 20 in a minute, while a valid key from there still works', async () => {
    await withGateway({ TRUSTED_PROXIES: '127.0.0.1' }, async (gateway) => {
      const { secret } = await auth.createKey();
      const guess = async (address: string): Promise<Answer> =>
        await call(`${gateway.url}/v1/payments`, {
          headers: { 'x-forwarded-for': address, ...bearer('ck_test_wrongwrong') },
        });
      const answers = [];
      for (let index = 0; index < 25; index += 1) answers.push(await guess('203.0.113.9'));
      assert.equal(count(answers, 401), 20);
      assert.equal(count(answers, 429), 5);
      assert.ok(Number(answers.at(-1)?.headers['retry-after']) > 10);
      assert.equal((await guess('203.0.113.10')).status, 401);
      const headers = { 'x-forwarded-for': '203.0.113.9', ...bearer(secret) };
      assert.equal((await call(`${gateway.url}/v1/payments`, { headers })).status, 200);
    });
  });

  test('from one IPv6 network count together', async () => {
    const env = { TRUSTED_PROXIES: '127.0.0.1', LIMIT_UNAUTHENTICATED_PER_MINUTE: '2' };
    await withGateway(env, async (gateway) => {
      const statuses = [];
      for (const address of [
        '2001:db8:1:2::1',
        '2001:db8:1:2:a:b:c:d',
        '2001:0db8:1:2::9',
        '2001:db8:1:3::1',
      ])
        statuses.push(
          (await call(`${gateway.url}/v1/payments`, { headers: { 'x-forwarded-for': address } })).status,
        );
      assert.deepEqual(statuses, [401, 401, 429, 401]);
    });
  });
});
