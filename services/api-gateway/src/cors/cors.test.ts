import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { clientAs } from '@centra/testkit/test-tls.ts';
import { startChildService } from '../testing/child-service.ts';
import type { ChildService } from '../testing/child-service.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call } from '../testing/http-call.ts';
import type { Answer } from '../testing/http-call.ts';
import { createServiceDatabase, startRealAuth } from '../testing/real-auth.ts';
import type { ApiKey, RealAuth } from '../testing/real-auth.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

const OWN = 'https://book.hotel-one.example';
const OTHERS = 'https://book.hotel-two.example';
const FOREIGN = 'https://evil.example';

let auth: RealAuth;
let merchant: ChildService;
let merchantDatabase: TestDatabase;
let upstream: UpstreamDouble;
let gateway: TestGateway;
let key: ApiKey;
before(async () => {
  auth = await startRealAuth();
  merchantDatabase = await createServiceDatabase('merchant', ['merchant_reader']);
  const folder = join(auth.folder, 'merchant');
  merchant = await startChildService('merchant', auth.keys, folder, {
    DATABASE_URL: merchantDatabase.url,
    KEYRING_FILE: join(folder, 'keyring.json'),
  });
  upstream = await startUpstream();
  gateway = await startTestGateway(auth, { paymentApi: upstream.url, merchantGrpc: merchant.grpcAddress });
  key = await auth.createKey();
  const other = await auth.createKey();
  await createMerchant(key.merchantId, [OWN, 'http://localhost:3000']);
  await createMerchant(other.merchantId, [OTHERS]);
});
after(async () => {
  await gateway.close();
  await upstream.close();
  merchant.thaw();
  await merchant.kill();
  await merchantDatabase.drop();
  await auth.stop();
});

async function createMerchant(merchantId: string, allowedOrigins: string[]): Promise<void> {
  const client = clientAs('operator', MerchantServiceClient, merchant.grpcAddress, 'merchant');
  await callUnary(
    client.createMerchant.bind(client),
    {
      merchantId,
      name: 'Hotel',
      country: 'MA',
      timeZone: 'Africa/Casablanca',
      defaultCurrency: 'MAD',
      allowedOrigins,
    },
    { metadata: callMetadata('req-create'), deadlineMs: 20_000 },
  );
  client.close();
}

async function preflight(origin: string, path = '/v1/charge', on = gateway): Promise<Answer> {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  };
  return await call(on.url + path, { method: 'OPTIONS', headers });
}

async function read(origin: string, on = gateway): Promise<Answer> {
  return await call(`${on.url}/v1/payments`, { headers: { ...bearer(key.secret), origin } });
}

describe('preflight', () => {
  for (const origin of [OWN, OTHERS, 'http://localhost:3000'])
    test(`an origin that some hotel owns is let through: ${origin}`, async () => {
      const { status, headers, text } = await preflight(origin);
      assert.equal(status, 204);
      assert.equal(text, '');
      assert.equal(headers['access-control-allow-origin'], origin);
      assert.equal(headers['access-control-allow-methods'], 'POST, OPTIONS');
      assert.match(String(headers['access-control-allow-headers']), /Authorization.*Idempotency-Key/);
      assert.ok(Number(headers['access-control-max-age']) > 0);
      assert.equal(headers['access-control-allow-credentials'], undefined);
      assert.equal(headers.vary, 'Origin');
    });

  const strangers = [
    FOREIGN,
    'null',
    `${OWN}.evil.example`,
    `${OWN}:444`,
    OWN.replace('https', 'http'),
    `${OWN}/`,
    '*',
  ];
  for (const origin of strangers)
    test(`row 15: no Access-Control-Allow-Origin for ${origin}`, async () => {
      const { headers } = await preflight(origin);
      assert.equal(headers['access-control-allow-origin'], undefined);
      assert.equal(headers['access-control-allow-headers'], undefined);
      assert.equal(headers.vary, 'Origin');
    });

  test('an unknown path is 404, whoever asks', async () => {
    const { status, headers } = await preflight(OWN, '/v1/nowhere');
    assert.equal(status, 404);
    assert.equal(headers['access-control-allow-origin'], undefined);
  });

  test('it reaches no service, and OPTIONS without an origin only names the methods', async () => {
    const earlier = upstream.seen.length;
    const answer = await call(`${gateway.url}/v1/payments`, { method: 'OPTIONS' });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.allow, 'GET, HEAD, POST, OPTIONS');
    assert.equal(upstream.seen.length, earlier);
  });
});

describe('the request itself', () => {
  test('the own origin may read the answer and our headers, without cookies', async () => {
    const { status, headers } = await read(OWN);
    assert.equal(status, 200);
    assert.equal(headers['access-control-allow-origin'], OWN);
    assert.match(
      String(headers['access-control-expose-headers']),
      /X-Request-Id.*RateLimit.*Idempotent-Replayed/,
    );
    assert.equal(headers['access-control-allow-credentials'], undefined);
    assert.equal(headers.vary, 'Origin');
  });

  for (const origin of [OTHERS, FOREIGN, 'null'])
    test(`row 15: ${origin} may not, though the hotel's key is used`, async () => {
      const { headers } = await read(origin);
      assert.equal(headers['access-control-allow-origin'], undefined);
      assert.equal(headers['access-control-expose-headers'], undefined);
      assert.equal(headers.vary, 'Origin');
    });

  test('refusals after the credential can be read by the own origin too', async () => {
    const reader = await auth.createKey({ merchantId: key.merchantId, scopes: [] }).catch(() => undefined);
    const limited =
      reader ?? (await auth.createKey({ merchantId: key.merchantId, scopes: ['api_keys:read'] }));
    const { status, headers } = await call(`${gateway.url}/v1/payments`, {
      headers: { ...bearer(limited.secret), origin: OWN },
    });
    assert.equal(status, 403);
    assert.equal(headers['access-control-allow-origin'], OWN);
  });

  test('without a credential nobody may read', async () => {
    const { status, headers } = await call(`${gateway.url}/v1/payments`, { headers: { origin: OWN } });
    assert.equal(status, 401);
    assert.equal(headers['access-control-allow-origin'], undefined);
  });

  test('row 15: no page of ours may be framed', async () => {
    const { headers } = await read(OWN);
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
  });
});

test('merchant frozen: known origins go on, unknown ones are refused, and requests do not fail', async () => {
  const own = await startTestGateway(auth, { paymentApi: upstream.url, merchantGrpc: merchant.grpcAddress });
  try {
    assert.equal((await preflight(OWN, '/v1/charge', own)).headers['access-control-allow-origin'], OWN);
    merchant.freeze();
    assert.equal((await preflight(OWN, '/v1/charge', own)).headers['access-control-allow-origin'], OWN);
    assert.equal(
      (await preflight(OTHERS, '/v1/charge', own)).headers['access-control-allow-origin'],
      undefined,
    );
    const answer = await read(OWN, own);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
    merchant.thaw();
    assert.equal((await preflight(OTHERS, '/v1/charge', own)).headers['access-control-allow-origin'], OTHERS);
  } finally {
    merchant.thaw();
    await own.close();
  }
});
