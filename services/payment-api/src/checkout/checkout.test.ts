import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import type { CheckoutIdentity, Identity } from '@centra/service-kit/service-identity.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Stand } from '../testing/start-with-doubles.ts';
import { clientSecretSchema } from './create-client-secret.ts';
import { checkoutPaymentSchema } from './get-checkout-payment.ts';

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
});
after(async () => await stand.close());

async function newPayment(hotel: Identity, body = chargeBody()): Promise<string> {
  const answer = await stand.charge(newUuid(), body, { as: hotel });
  return String(answer.json()['id']);
}

async function createSecret(hotel: Identity | null, id: string): Promise<Answer> {
  return await stand.call(`/v1/payments/${id}/client-secret`, { method: 'POST', as: hotel });
}

/** What the gateway makes of a client secret: it holds it against our public key, and vouches for what it opens. */
function guestOf(answer: Answer): Identity {
  const { client_secret: secret } = clientSecretSchema.strict().parse(answer.json());
  const [, mode, token = ''] = /^cs_(test|live)_(.+)$/.exec(secret) ?? [];
  const opened = verify(token);
  assert.equal(opened.mode, mode);
  return guest(opened);
}

function verify(token: string): CheckoutIdentity {
  return createVerifier('api-gateway', readTrustedKeys(stand.trustedKeys)).verifyCheckout(token);
}

function guest({ merchantId, mode, objectId }: CheckoutIdentity): Identity {
  return { merchantId, mode, objectId, actor: `checkout:${objectId}`, scopes: [] };
}

describe('POST /v1/payments/:id/client-secret', () => {
  test('201: opens this payment of this hotel in this mode for an hour, and no cache may keep it', async () => {
    for (const mode of ['test', 'live'] as const) {
      const hotel = newMerchant({ mode });
      const id = await newPayment(hotel);
      const answer = await createSecret(hotel, id);
      assert.equal(answer.status, 201);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.deepEqual(guestOf(answer), guest({ merchantId: hotel.merchantId, mode, objectId: id }));
      const { client_secret: secret, expires_at: expiresAt } = clientSecretSchema.parse(answer.json());
      const claims: { exp: number; iat: number } = JSON.parse(
        Buffer.from(secret.split('.')[1] ?? '', 'base64url').toString(),
      );
      assert.equal(claims.exp - claims.iat, 3_600);
      // Never said to be good for longer than it is.
      assert.ok(Date.parse(expiresAt) <= claims.exp * 1000 && Date.parse(expiresAt) > claims.iat * 1000);
    }
  });

  test('404: another hotel’s payment, the other mode’s, an unknown and a malformed id all look the same', async () => {
    const hotel = newMerchant();
    const id = await newPayment(hotel);
    const strangers = [newMerchant(), newMerchant({ merchantId: hotel.merchantId, mode: 'live' })];
    const answers = await Promise.all([
      ...strangers.map((as) => createSecret(as, id)),
      createSecret(hotel, toPublicId('pay', newUuid())),
      createSecret(hotel, 'pay_0'),
    ]);
    const bodies = answers.map((answer) => {
      assert.equal(answer.status, 404);
      return answer.bytes.toString().replace(/"request_id":"[^"]+"/, '');
    });
    assert.equal(new Set(bodies).size, 1);
  });

  test('400, 401, 403, 405, 422: a query, no identity, no scope or a guest, another method, a card number', async () => {
    const hotel = newMerchant();
    const id = await newPayment(hotel);
    const path = `/v1/payments/${id}/client-secret`;
    const post = { method: 'POST', as: hotel };
    assert.equal((await stand.call(`${path}?lifetime=9`, post)).status, 400);
    assert.equal((await createSecret(null, id)).status, 401);
    assert.equal((await createSecret(newMerchant({ ...hotel, scopes: ['payments:read'] }), id)).status, 403);
    // A guest cannot make themselves another secret when theirs runs out.
    const answer = await createSecret(guest({ ...hotel, objectId: id }), id);
    assert.equal(answer.status, 403);
    assert.equal((await stand.call(path, { as: hotel })).status, 405);
    assert.equal((await stand.call('/v1/payments/4242424242424242/client-secret', post)).status, 422);
  });

  test('503: without transaction nothing is signed', async () => {
    const alone = await stand.startAnother({ transactionGrpcAddress: `127.0.0.1:${await freePort()}` });
    try {
      const path = `/v1/payments/${toPublicId('pay', newUuid())}/client-secret`;
      const answer = await stand.call(path, { method: 'POST', port: alone.httpPort });
      assert.equal(answer.status, 503);
      assert.equal(answer.headers['retry-after'], '1');
    } finally {
      await alone.close();
    }
  });
});

const look = async (as: Identity | null, id: string): Promise<Answer> =>
  await stand.call(`/v1/checkout/payments/${id}`, { as });

describe('GET /v1/checkout/payments/:id', () => {
  test('200: how far the payment is, as it is now, and nothing about people, provider or books', async () => {
    const hotel = newMerchant();
    const id = await newPayment(
      hotel,
      chargeBody({
        card_token: 'tok_processing',
        guest: { name: 'Ada Lovelace', email: 'ada@example.com' },
        description: 'Two nights',
        metadata: { internal_note: 'late payer' },
      }),
    );
    const as = guestOf(await createSecret(hotel, id));
    const first = await look(as, id);
    assert.equal(first.status, 200);
    assert.equal(first.headers['cache-control'], 'no-store');
    assert.deepEqual(checkoutPaymentSchema.strict().parse(first.json()), {
      id,
      status: 'processing',
      amount: 12_050,
      currency: 'EUR',
      booking_reference: 'BK-1',
      description: 'Two nights',
      next_action: null,
    });
    assert.doesNotMatch(first.bytes.toString(), /Ada|ada@|late payer|provider|refund|metadata/);
    stand.transaction.settle(id, 'succeeded');
    assert.equal((await look(as, id)).json()['status'], 'succeeded');
  });

  test('200: where to go for 3-D Secure', async () => {
    const hotel = newMerchant();
    const id = await newPayment(hotel, chargeBody({ card_token: 'tok_challenge' }));
    const answer = await look(guestOf(await createSecret(hotel, id)), id);
    assert.equal(answer.json()['status'], 'requires_action');
    const { next_action: next } = checkoutPaymentSchema.parse(answer.json());
    assert.equal(next?.type, 'redirect');
    assert.ok(URL.canParse(next?.redirect_url ?? ''));
  });

  test('404, row 35: every other payment looks like one that does not exist, also of the same hotel', async () => {
    const hotel = newMerchant();
    const [own, other] = [await newPayment(hotel), await newPayment(hotel)];
    const foreign = await newPayment(newMerchant());
    const as = guestOf(await createSecret(hotel, own));
    const bodies = new Set<string>();
    for (const id of [other, foreign, toPublicId('pay', newUuid()), 'pay_0', own.toUpperCase(), `${own}x`]) {
      const answer = await look(as, id);
      assert.equal(answer.status, 404, id);
      bodies.add(answer.bytes.toString().replace(/"request_id":"[^"]+"/, ''));
    }
    // Signed for a payment that is not there in that mode: the same.
    bodies.add(
      (await look(guest({ ...hotel, mode: 'live', objectId: own }), own)).bytes
        .toString()
        .replace(/"request_id":"[^"]+"/, ''),
    );
    assert.equal(bodies.size, 1);
  });

  test('401: no identity, and a hotel’s own credential, whatever it may do', async () => {
    const hotel = newMerchant();
    const id = await newPayment(hotel);
    assert.equal((await look(null, id)).status, 401);
    assert.equal((await look(hotel, id)).status, 401);
  });

  test('row 22: a guest may do nothing else at the hotel', async () => {
    const hotel = newMerchant();
    const id = await newPayment(hotel);
    const as = guestOf(await createSecret(hotel, id));
    for (const path of [`/v1/payments/${id}`, `/v1/payments/${id}/status`, '/v1/payments', '/v1/refunds'])
      assert.equal((await stand.call(path, { as })).status, 403, path);
    for (const path of [
      `/v1/payments/${id}/capture`,
      `/v1/payments/${id}/cancel`,
      `/v1/payments/${id}/refund`,
    ])
      assert.equal((await stand.post(path, newUuid(), {}, { as })).status, 403, path);
    assert.equal((await stand.charge(newUuid(), chargeBody(), { as })).status, 403);
  });

  test('400, 405, 422: a query, another method, a card number', async () => {
    const hotel = newMerchant();
    const id = await newPayment(hotel);
    const as = guestOf(await createSecret(hotel, id));
    assert.equal((await stand.call(`/v1/checkout/payments/${id}?client_secret=x`, { as })).status, 400);
    const post = await stand.call(`/v1/checkout/payments/${id}`, { as, method: 'POST' });
    assert.equal(post.status, 405);
    assert.equal(post.headers['allow'], 'GET');
    assert.equal((await look(as, '4242424242424242')).status, 422);
  });
});
