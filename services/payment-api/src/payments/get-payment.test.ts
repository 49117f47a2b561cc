import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';

describe('GET /v1/payments/:id', () => {
  let stand: Stand;
  before(async () => {
    stand = await startWithDoubles();
  });
  after(async () => await stand.close());

  test('200: a hotel reads its own payment, as it is now', async () => {
    const hotel = newMerchant();
    const charged = await stand.charge('read', chargeBody({ card_token: 'tok_processing' }), { as: hotel });
    const path = `/v1/payments/${String(charged.json()['id'])}`;
    const first = await stand.call(path, { as: hotel });
    assert.equal(first.status, 200);
    assert.deepEqual(first.json(), charged.json());
    assert.equal(first.headers['cache-control'], 'no-store');
    stand.transaction.settle(String(charged.json()['id']), 'succeeded');
    assert.equal((await stand.call(path, { as: hotel })).json()['status'], 'succeeded');
  });

  test('404: another hotel’s, the other mode’s, an unknown and a malformed id all look the same', async () => {
    const hotel = newMerchant();
    const charged = await stand.charge('foreign', chargeBody(), { as: hotel });
    const id = String(charged.json()['id']);
    const bodies = new Set<string>();
    const strangers = [newMerchant(), newMerchant({ merchantId: hotel.merchantId, mode: 'live' })];
    for (const as of strangers) bodies.add(await refusal(`/v1/payments/${id}`, as));
    const unknown = [
      'pay_0',
      id.toUpperCase(),
      `${id}x`,
      id.replace('pay_', 'pa_'),
      newUuid(),
      toPublicId('pay', newUuid()),
    ];
    for (const each of [...unknown, "pay_'%20or%201=1", '%2e%2e', '%E0%A4%A', '%00', 'a'.repeat(5_000)])
      bodies.add(await refusal(`/v1/payments/${each}`, hotel));
    assert.equal(bodies.size, 1);

    async function refusal(path: string, as: typeof hotel): Promise<string> {
      const answer = await stand.call(path, { as });
      assert.equal(answer.status, 404, path);
      return answer.bytes.toString().replace(/"request_id":"[^"]+"/, '');
    }
  });

  test('400, 401, 403, 405, 422: a query, no identity, no scope, another method, a card number', async () => {
    const path = `/v1/payments/${toPublicId('pay', newUuid())}`;
    assert.equal((await stand.call(`${path}?expand=card`)).status, 400);
    assert.equal((await stand.call(path, { as: null })).status, 401);
    assert.equal((await stand.call(path, { as: newMerchant({ scopes: ['payments:write'] }) })).status, 403);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await stand.call(path, { method });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers['allow'], 'GET');
    }
    const card = await stand.call('/v1/payments/4242424242424242');
    assert.equal(card.status, 422);
    assert.doesNotMatch(card.bytes.toString(), /4242/);
  });

  test('503: without transaction a read asks to try again', async () => {
    const alone = await stand.startAnother({ transactionGrpcAddress: `127.0.0.1:${await freePort()}` });
    try {
      const answer = await stand.call(`/v1/payments/${toPublicId('pay', newUuid())}`, {
        port: alone.httpPort,
      });
      assert.equal(answer.status, 503);
      assert.equal(answer.headers['retry-after'], '1');
    } finally {
      await alone.close();
    }
  });
});
