import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { ApiKey, RealAuth } from '../testing/real-auth.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

// The promise of rows 25 and 59.
const REVOCATION_MS = 5_000;

let auth: RealAuth;
let upstream: UpstreamDouble;
let gateway: TestGateway;
before(async () => {
  auth = await startRealAuth();
  upstream = await startUpstream();
  gateway = await startTestGateway(
    auth,
    { paymentApi: upstream.url },
    { LIMIT_UNAUTHENTICATED_PER_MINUTE: '1000000', LIMIT_DEFAULT_PER_SECOND: '1000000' },
  );
});
after(async () => {
  await gateway.close();
  await upstream.close();
  await auth.stop();
});

async function statusOf(secret: string): Promise<number> {
  return (await call(`${gateway.url}/v1/payments`, { headers: bearer(secret) })).status;
}

async function revoke(key: ApiKey, by: string): Promise<void> {
  const answer = await call(`${gateway.url}/v1/api-keys/${key.id}`, {
    method: 'DELETE',
    headers: bearer(by),
  });
  assert.equal(answer.status, 200, answer.text);
}

function keyText(): string {
  return toPublicId('key', newUuid()).slice(4);
}

async function revokedKey(): Promise<Record<string, string>> {
  const key = await auth.createKey();
  await revoke(key, (await auth.createKey({ merchantId: key.merchantId })).secret);
  return bearer(key.secret);
}

describe('row 20: every credential that may not be used gets the same 401', () => {
  const causes: [string, () => Promise<Record<string, string>>][] = [
    ['none', async () => ({})],
    ['empty', async () => ({ authorization: '' })],
    ['garbage', async () => ({ authorization: 'garbage' })],
    ['Basic', async () => ({ authorization: 'Basic dXNlcjpwYXNz' })],
    ['Bearer without a key', async () => ({ authorization: 'Bearer ' })],
    ['a key of another kind', async () => bearer('sk_test_ofAnotherKind')],
    ['a very long one', async () => bearer(`ck_test_${'a'.repeat(5_000)}`)],
    ['an unknown key', async () => bearer(`ck_test_${keyText()}_${'a'.repeat(43)}`)],
    ['a wrong secret', async () => bearer(`${(await auth.createKey()).secret.slice(0, -4)}aaaa`)],
    ['the key in the query', async () => ({})],
    ['a revoked key', async () => await revokedKey()],
  ];
  for (const [name, headersOf] of causes)
    test(name, async () => {
      const headers = await headersOf();
      const path =
        name === 'the key in the query'
          ? `/v1/payments?api_key=${(await auth.createKey()).secret}`
          : '/v1/payments';
      const answer = await call(gateway.url + path, { headers });
      assert.equal(answer.status, 401);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(answer.json['request_id'], answer.headers['x-request-id']);
      const { request_id: _id, ...body } = answer.json;
      assert.deepEqual(body, {
        type: 'urn:centra-payments:error:unauthenticated',
        title: 'A valid credential is needed.',
        status: 401,
        code: 'unauthenticated',
      });
    });

  test('the scheme is read without regard to case', async () => {
    const { secret } = await auth.createKey();
    const answer = await call(`${gateway.url}/v1/payments`, {
      headers: { authorization: `bearer ${secret}` },
    });
    assert.equal(answer.status, 200);
  });
});

test('row 20: wrong credentials leave no trace of themselves in the log', async () => {
  const wrong = `ck_test_${'z'.repeat(26)}_${'q'.repeat(43)}`;
  assert.equal(await statusOf(wrong), 401);
  assert.ok(gateway.lines.some((line) => line['status'] === 401));
  assert.ok(!gateway.lines.some((line) => String(line['raw']).includes('qqqqqqqq')));
});

test('rows 25 and 59: a revoked key is refused within 5 s, while another of the same hotel goes on', async () => {
  const [key, other] = [await auth.createKey(), await auth.createKey()];
  const owner = await auth.createKey({ merchantId: key.merchantId });
  assert.equal(await statusOf(key.secret), 200);
  const revokedAt = performance.now();
  await revoke(key, owner.secret);
  await waitFor('the revocation to bite', async () =>
    (await statusOf(key.secret)) === 401 ? true : undefined,
  );
  assert.ok(performance.now() - revokedAt < REVOCATION_MS);
  assert.equal(await statusOf(key.secret), 401);
  assert.equal(await statusOf(owner.secret), 200);
  assert.equal(await statusOf(other.secret), 200);
});

test('row 59: a request under way when its key is revoked completes', async () => {
  const key = await auth.createKey();
  const owner = await auth.createKey({ merchantId: key.merchantId });
  const slow = await startUpstream(async (_request, response) => {
    await pauseMs(1_500);
    response.end('{}');
  });
  const own = await startTestGateway(auth, { paymentApi: slow.url });
  try {
    const running = call(`${own.url}/v1/payments`, { headers: bearer(key.secret) });
    await waitFor('the request to arrive', async () => (slow.seen.length === 1 ? true : undefined));
    await revoke(key, owner.secret);
    assert.equal((await running).status, 200);
    await waitFor('the revocation to bite', async () => {
      const { status } = await call(`${own.url}/v1/payments`, { headers: bearer(key.secret) });
      return status === 401 ? true : undefined;
    });
  } finally {
    await own.close();
    await slow.close();
  }
});

test('auth silent: a known key still works for a moment, then fails closed with 503, and heals', async () => {
  const key = await auth.createKey();
  assert.equal(await statusOf(key.secret), 200);
  auth.freeze();
  try {
    const answer = await waitFor('the cached key to age', async () => {
      const each = await call(`${gateway.url}/v1/payments`, { headers: bearer(key.secret) });
      assert.ok(each.status === 200 || each.status === 503, `status ${each.status}`);
      return each.status === 503 ? each : undefined;
    });
    assert.equal(answer.json['code'], 'unavailable');
    assert.ok(Number(answer.headers['retry-after']) >= 1);
    // A key that was never seen cannot be known to be good or bad.
    assert.equal(await statusOf(`ck_test_${'0'.repeat(26)}_${'a'.repeat(43)}`), 503);
  } finally {
    auth.thaw();
  }
  await waitFor('auth to answer again', async () =>
    (await statusOf(key.secret)) === 200 ? true : undefined,
  );
});

test('auth killed and started again: 503 meanwhile, never 401 or 200, and a key revoked then is refused', async () => {
  const key = await auth.createKey();
  assert.equal(await statusOf(key.secret), 200);
  await auth.kill();
  await waitFor('the gateway to fail closed', async () =>
    (await statusOf(key.secret)) === 503 ? true : undefined,
  );
  assert.equal(await statusOf(key.secret), 503);
  await auth.restart();
  await waitFor('the key to work again', async () =>
    (await statusOf(key.secret)) === 200 ? true : undefined,
  );
  const owner = await auth.createKey({ merchantId: key.merchantId });
  await revoke(key, owner.secret);
  await waitFor('the revocation to bite', async () =>
    (await statusOf(key.secret)) === 401 ? true : undefined,
  );
});
