import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';
import { paymentStatusAnswerSchema } from './get-payment-status.ts';
import { paymentEventListSchema } from './list-payment-events.ts';

describe('the timeline and the status of a payment', () => {
  let stand: Stand;
  const hotel = newMerchant();
  let id = '';
  before(async () => {
    stand = await startWithDoubles();
    const made = await stand.post('/v1/payments', 'timeline', chargeBody({ capture_method: 'manual' }), {
      as: hotel,
    });
    id = String(made.json()['id']);
    for (const amount of [100, 200]) {
      const body = { amount, keep_open: true };
      const answer = await stand.post(`/v1/payments/${id}/capture`, newUuid(), body, { as: hotel });
      assert.equal(answer.status, 200, answer.bytes.toString());
    }
  });
  after(async () => await stand.close());

  test('200: events tell who, when, from where and the sums, oldest first, page by page', async () => {
    const first = await events('?limit=2');
    assert.equal(first.has_more, true);
    const second = await events(`?limit=2&cursor=${String(first.next_cursor)}`);
    assert.deepEqual([second.has_more, second.next_cursor], [false, null]);
    const all = [...first.data, ...second.data];
    assert.deepEqual(
      all.map((event) => [event.type, event.status, event.amount_captured]),
      [
        ['payment.authorize', 'authorized', 0],
        ['payment.capture', 'partially_captured', 100],
        ['payment.capture', 'partially_captured', 300],
      ],
    );
    assert.deepEqual(
      [all[0]?.actor, all[0]?.address, all[0]?.request_id, Object.keys(all[0]?.details ?? {})],
      ['api_key:key_1', '203.0.113.7', 'req_1', ['a', 'b']],
    );
  });

  test('200: the status has the sums and nothing personal', async () => {
    const answer = await stand.call(`/v1/payments/${id}/status`, { as: hotel });
    assert.equal(answer.status, 200);
    const status = paymentStatusAnswerSchema.strict().parse(answer.json());
    assert.deepEqual(
      [status.status, status.amount_authorized, status.amount_captured],
      ['partially_captured', 12_050, 300],
    );
  });

  test('400, 401, 403, 404, 405: for the timeline and the status alike', async () => {
    for (const path of ['events', 'status']) {
      const own = `/v1/payments/${id}/${path}`;
      assert.equal((await stand.call(`${own}?expand=1`, { as: hotel })).status, 400);
      assert.equal((await stand.call(own, { as: null })).status, 401);
      assert.equal((await stand.call(own, { as: { ...hotel, scopes: ['payments:write'] } })).status, 403);
      assert.equal((await stand.call(own, { as: newMerchant() })).status, 404);
      assert.equal((await stand.call(own, { as: { ...hotel, mode: 'live' } })).status, 404);
      assert.equal((await stand.call(`/v1/payments/pay_1/${path}`, { as: hotel })).status, 404);
      assert.equal((await stand.call(own, { as: hotel, method: 'POST' })).status, 405);
    }
    for (const query of ['limit=0', 'limit=101', 'cursor=0', 'cursor=-1', 'cursor=1e3', 'cursor=9999999999'])
      assert.equal(
        (await stand.call(`/v1/payments/${id}/events?${query}`, { as: hotel })).status,
        400,
        query,
      );
  });

  async function events(query: string) {
    const answer = await stand.call(`/v1/payments/${id}/events${query}`, { as: hotel });
    assert.equal(answer.status, 200, answer.bytes.toString());
    return paymentEventListSchema.strict().parse(answer.json());
  }
});
