import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { bearer, call } from '../testing/http-call.ts';
import type { Answer } from '../testing/http-call.ts';
import { assertUnavailable, charge, metric, read } from '../testing/payment-calls.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import type { Handler } from '../testing/upstream-double.ts';
import { withUpstream } from '../testing/with-upstream.ts';

let auth: RealAuth;
before(async () => {
  auth = await startRealAuth();
});
after(() => auth.stop());

describe('breaker', () => {
  test('it opens on failures, refuses without asking the service, tries one request, and closes', async () => {
    let failing = true;
    const handler: Handler = (_request, response) => void response.writeHead(failing ? 500 : 200).end('{}');
    await withUpstream(auth, handler, {}, async (gateway, upstream) => {
      const { secret } = await auth.createKey();
      const answers: Answer[] = [];
      await waitFor('the breaker to open', async () => {
        answers.push(...(await Promise.all(Array.from({ length: 10 }, () => read(gateway, secret)))));
        return answers.at(-1)?.status === 503 ? true : undefined;
      });
      const asked = upstream.seen.length;
      assert.ok(asked >= 20, `${asked} requests`);
      assertUnavailable(await read(gateway, secret));
      assert.equal(await metric(gateway, 'centra_gateway_breaker_state{upstream="payment-api"'), 1);
      assert.equal(upstream.seen.length, asked, 'the service was left alone');
      assert.equal((await call(`${gateway.url}/v1/api-keys`, { headers: bearer(secret) })).status, 200);
      failing = false;
      await waitFor('the breaker to close', async () =>
        (await read(gateway, secret)).status === 200 ? true : undefined,
      );
      assert.equal(await metric(gateway, 'centra_gateway_breaker_state{upstream="payment-api"'), 0);
      const states = gateway.lines
        .filter((line) => line['message'] === 'breaker changed')
        .map((line) => line['state']);
      assert.deepEqual(states.slice(0, 1).concat(states.slice(-2)), ['Open', 'HalfOpen', 'Closed']);
    });
  });

  test('while one request tries the service, others are refused at once instead of waiting for it', async () => {
    let conduct: 'fail' | 'hang' = 'fail';
    const handler: Handler = (_request, response) => {
      if (conduct === 'fail') response.writeHead(500).end('{}');
    };
    await withUpstream(auth, handler, {}, async (gateway, upstream) => {
      const { secret } = await auth.createKey();
      for (let index = 0; index < 30; index += 1) await read(gateway, secret);
      assertUnavailable(await read(gateway, secret));
      conduct = 'hang';
      const asked = upstream.seen.length;
      const probes: Promise<unknown>[] = [];
      await waitFor('a request to be tried', async () => {
        probes.push(read(gateway, secret).catch(() => undefined));
        await pauseMs(100);
        return upstream.seen.length > asked ? true : undefined;
      });
      assertUnavailable(await read(gateway, secret));
      assert.equal(upstream.seen.length, asked + 1);
      upstream.answerWith((_request, response) => void response.end('{}'));
      await upstream.close();
      await Promise.all(probes);
    });
  });

  test('refusals, and a 503 with Retry-After, are answers and never open it', async () => {
    for (const status of [503, 402, 404]) {
      const handler: Handler = (_request, response) =>
        void response.writeHead(status, { 'retry-after': '1' }).end('{}');
      await withUpstream(auth, handler, {}, async (gateway, upstream) => {
        const { secret } = await auth.createKey();
        for (let index = 0; index < 40; index += 1)
          assert.equal((await read(gateway, secret)).status, status);
        assert.equal(upstream.seen.length, 40);
      });
    }
  });

  test('callers who go away do not open it', async () => {
    await withUpstream(
      auth,
      () => {},
      {},
      async (gateway, upstream) => {
        const { secret } = await auth.createKey();
        for (let index = 0; index < 30; index += 1) {
          const abort = new AbortController();
          const gone = fetch(`${gateway.url}/v1/payments`, { headers: bearer(secret), signal: abort.signal });
          await waitFor('it to arrive', async () => (upstream.seen.length > index ? true : undefined));
          abort.abort();
          await gone.catch(() => undefined);
        }
        upstream.answerWith((_request, response) => void response.end('{}'));
        assert.equal((await read(gateway, secret)).status, 200);
      },
    );
  });
});

const slow: Handler = async (_request, response) => {
  await pauseMs(50);
  response.end('{}');
};

describe('row 60: overload is shed before work, with 503 and Retry-After', () => {
  test('beyond the places the next is refused at once, also without a credential; those under way finish', async () => {
    const waiting: (() => void)[] = [];
    const hold: Handler = (_request, response) => void waiting.push(() => response.end('{}'));
    await withUpstream(auth, hold, { PAYMENT_API_CONCURRENCY: '4' }, async (gateway, upstream) => {
      const keys = await Promise.all(Array.from({ length: 4 }, () => auth.createKey()));
      const running = keys.map((key) => charge(gateway, key.secret));
      await waitFor('all places to be taken', async () => (waiting.length === 4 ? true : undefined));
      assertUnavailable(await charge(gateway, (await auth.createKey()).secret));
      assertUnavailable(await call(`${gateway.url}/v1/payments`));
      assert.equal(upstream.seen.length, 4);
      // Other services have places of their own.
      assert.equal(
        (await call(`${gateway.url}/v1/api-keys`, { headers: bearer(keys[0]?.secret ?? '') })).status,
        200,
      );
      for (const finish of waiting) finish();
      for (const answer of await Promise.all(running)) assert.equal(answer.status, 200);
      upstream.answerWith((_request, response) => void response.end('{}'));
      assert.equal((await charge(gateway, keys[0]?.secret ?? '')).status, 200);
    });
  });

  test('one hotel cannot hold all places', async () => {
    const waiting: (() => void)[] = [];
    const hold: Handler = (_request, response) => void waiting.push(() => response.end('{}'));
    await withUpstream(auth, hold, { PAYMENT_API_CONCURRENCY: '8' }, async (gateway) => {
      const [stuck, other] = [await auth.createKey(), await auth.createKey()];
      const running = [charge(gateway, stuck.secret), charge(gateway, stuck.secret)];
      await waitFor('two to be under way', async () => (waiting.length === 2 ? true : undefined));
      assertUnavailable(await charge(gateway, stuck.secret));
      running.push(charge(gateway, other.secret));
      await waitFor('the other hotel to get through', async () => (waiting.length === 3 ? true : undefined));
      for (const finish of waiting) finish();
      for (const answer of await Promise.all(running)) assert.equal(answer.status, 200);
    });
  });

  test('after a storm from many callers everything is as before', async () => {
    await withUpstream(auth, slow, { PAYMENT_API_CONCURRENCY: '8' }, async (gateway) => {
      const keys = await Promise.all(Array.from({ length: 5 }, () => auth.createKey()));
      const storm = Array.from({ length: 200 }, (_each, index) =>
        charge(gateway, keys[index % 5]?.secret ?? ''),
      );
      const statuses = (await Promise.all(storm)).map((answer) => answer.status);
      assert.ok(statuses.includes(200) && statuses.includes(503));
      assert.deepEqual(
        statuses.filter((status) => status !== 200 && status !== 503),
        [],
      );
      for (const key of keys) assert.equal((await charge(gateway, key.secret)).status, 200);
    });
  });
});
