import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Stand } from '../testing/start-with-doubles.ts';
import { refundListSchema } from './list-refunds.ts';
import { refundDeclineSchema, refundSchema } from './refund.ts';

describe('refunds', () => {
  let stand: Stand;
  const hotel = newMerchant();
  before(async () => {
    stand = await startWithDoubles();
  });
  after(async () => await stand.close());

  test('201: a part is given back; the refund can be read where Location says, and a repeat tells the same bytes', async () => {
    const id = await paid();
    const body = { amount: 5_000, currency: 'EUR', reason: 'duplicate', metadata: { b: '1', a: '2' } };
    const first = await refund(id, 'part', body);
    assert.equal(first.status, 201, first.bytes.toString());
    const json = refundSchema.strict().parse(first.json());
    assert.deepEqual(
      [json.payment_id, json.amount, json.status, json.reason, json.metadata],
      [id, 5_000, 'succeeded', 'duplicate', { a: '2', b: '1' }],
    );
    assert.equal(first.headers['location'], `/v1/refunds/${json.id}`);
    const read = await stand.call(`/v1/refunds/${json.id}`, { as: hotel });
    assert.deepEqual([read.status, read.json()], [200, json]);
    assert.equal((await refund(id, 'rest', {})).json()['amount'], 7_050);
    assertReplay(await refund(id, 'part', body), first);
    await stand.database.query('delete from replies');
    assertReplay(await refund(id, 'part', body), first);
    assertProblem(await refund(id, 'more', {}), 409, 'already_refunded');
  });

  test('402: a refund that the provider refused is kept with its reason; 202: a pending one is not kept', async () => {
    const id = await paid();
    stand.transaction.outcomes.push('declined');
    const declined = await refund(id, 'declined', { amount: 100 });
    assert.equal(declined.status, 402);
    const problem = refundDeclineSchema.strict().parse(declined.json());
    assert.deepEqual([problem.code, problem.refund.status], ['refund_declined', 'failed']);
    assertReplay(await refund(id, 'declined', { amount: 100 }), declined);

    stand.transaction.outcomes.push('pending');
    const open = await refund(id, 'open', { amount: 12_000 });
    assert.deepEqual([open.status, open.json()['status']], [202, 'pending']);
    assertProblem(await refund(id, 'over', { amount: 51 }), 422, 'amount_exceeds_captured');
    stand.transaction.settleFollowUp(id, 'succeeded');
    const ended = await refund(id, 'open', { amount: 12_000 });
    assert.deepEqual([ended.status, ended.json()['status']], [201, 'succeeded']);
    assert.equal(ended.headers['location'], `/v1/refunds/${String(open.json()['id'])}`);
  });

  test('50 at once with one key give back once', async () => {
    const id = await paid();
    const operationsBefore = stand.transaction.operations.size;
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => await refund(id, 'same', { amount: 100 })),
    );
    const done = answers.filter((answer) => answer.status === 201);
    assert.ok(done.length >= 1);
    for (const answer of done) assert.deepEqual(answer.bytes, done[0]?.bytes);
    for (const answer of answers)
      if (answer.status !== 201) assert.equal(answer.json()['code'], 'in_progress');
    assert.equal(stand.transaction.operations.size, operationsBefore + 1);
  });

  test('400, 401, 403, 404, 405, 409, 413, 415, 422: what may not be asked is refused by name', async () => {
    const id = await paid();
    const path = `/v1/payments/${id}/refund`;
    const held = await stand.post('/v1/payments', newUuid(), chargeBody({ capture_method: 'manual' }), {
      as: hotel,
    });
    assertProblem(await refund(String(held.json()['id']), 'held', {}), 409, 'not_captured');
    const calls = stand.transaction.calls.length;
    assertProblem(await stand.post(path, 'k', undefined, { as: hotel }), 415, 'unsupported_media_type');
    for (const body of [
      { amount: 0 },
      { amount: 1.5 },
      { reason: 'abandoned' },
      { more: 1 },
      { metadata: { a: 1 } },
    ])
      assertProblem(await refund(id, 'bad', body), 400, 'validation_failed');
    assertProblem(
      await stand.call(path, { method: 'POST', body: {}, as: hotel }),
      400,
      'idempotency_key_invalid',
    );
    assertProblem(await stand.post(path, 'k', {}, { as: null }), 401, 'unauthenticated');
    const writer = { ...hotel, scopes: ['payments:read', 'payments:write'] };
    const forbidden = await stand.post(path, 'k', {}, { as: writer });
    assertProblem(forbidden, 403, 'forbidden');
    assert.equal(forbidden.json()['required_scope'], 'refunds:write');
    assertProblem(await stand.call(path, { as: hotel }), 405, 'method_not_allowed');
    const large = Buffer.from(JSON.stringify({ metadata: { a: 'a'.repeat(256 * 1024) } }));
    assertProblem(await stand.post(path, 'k', large, { as: hotel }), 413, 'payload_too_large');
    const card = await refund(id, 'card', { metadata: { note: '4242424242424242' } });
    assertProblem(card, 422, 'card_data_not_allowed');
    assert.equal(stand.transaction.calls.length, calls);
    assertProblem(await stand.post(path, 'k', {}, { as: newMerchant() }), 404, 'not_found');
    assertProblem(await refund(id, 'usd', { amount: 1, currency: 'USD' }), 422, 'currency_mismatch');
  });

  test('lists show a hotel’s own refunds, newest first, of one payment or of all, page by page', async () => {
    const own = newMerchant();
    const ids: string[] = [];
    const payments: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      const payment = String((await stand.charge(newUuid(), chargeBody(), { as: own })).json()['id']);
      payments.push(payment);
      for (const part of [1, 2]) {
        const answer = await stand.post(
          `/v1/payments/${payment}/refund`,
          newUuid(),
          { amount: part },
          { as: own },
        );
        ids.unshift(String(answer.json()['id']));
      }
    }
    const first = await list('/v1/refunds?limit=4');
    const second = await list(`/v1/refunds?limit=4&cursor=${String(first.next_cursor)}`);
    assert.deepEqual(
      [...first.data, ...second.data].map((each) => each.id),
      ids,
    );
    assert.deepEqual([first.has_more, second.has_more, second.next_cursor], [true, false, null]);
    for (const path of [`/v1/refunds?payment_id=${payments[2]}`, `/v1/payments/${payments[2]}/refunds`])
      assert.deepEqual(
        (await list(path)).data.map((each) => each.id),
        ids.slice(0, 2),
      );
    for (const path of [`/v1/payments/${payments[2]}/refunds`, `/v1/refunds/${ids[0]}`])
      assert.equal((await stand.call(path, { as: newMerchant() })).status, 404);
    for (const [path, status] of [
      ['/v1/refunds/re_1', 404],
      [`/v1/refunds/${toPublicId('re', newUuid())}`, 404],
      ['/v1/refunds?limit=0', 400],
      ['/v1/refunds?cursor=x', 400],
      ['/v1/refunds?payment_id=pay_1', 400],
      [`/v1/payments/${payments[0]}/refunds?payment_id=${payments[0]}`, 400],
    ] as const)
      assert.equal((await stand.call(path, { as: own })).status, status, path);
    assert.equal((await stand.call('/v1/refunds', { as: null })).status, 401);
    assert.equal((await stand.call('/v1/refunds', { as: { ...own, scopes: [] } })).status, 403);

    async function list(path: string) {
      const answer = await stand.call(path, { as: own });
      assert.equal(answer.status, 200, answer.bytes.toString());
      return refundListSchema.strict().parse(answer.json());
    }
  });

  async function paid(): Promise<string> {
    return String((await stand.charge(newUuid(), chargeBody(), { as: hotel })).json()['id']);
  }

  async function refund(id: string, key: string, body: unknown): Promise<Answer> {
    return await stand.post(`/v1/payments/${id}/refund`, `${key}-${id}`, body, { as: hotel });
  }
});

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.bytes.toString());
  assert.equal(answer.json()['code'], code);
}

function assertReplay(replay: Answer, first: Answer): void {
  assert.equal(replay.status, first.status);
  assert.deepEqual(replay.bytes, first.bytes);
  assert.equal(replay.headers['idempotent-replayed'], 'true');
  assert.equal(replay.headers['location'], first.headers['location']);
}
