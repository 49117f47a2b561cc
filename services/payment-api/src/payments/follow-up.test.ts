import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { declineSchema } from '../charges/charge-reply.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Stand } from '../testing/start-with-doubles.ts';
import { paymentSchema } from './payment.ts';

/** Each operation on a hold, with a body that it takes and what it says when the provider refuses. */
const OPERATIONS: [action: string, body: Record<string, unknown>, declined: ErrorCode][] = [
  ['capture', { amount: 5_000, currency: 'EUR' }, 'capture_declined'],
  ['cancel', { reason: 'duplicate' }, 'cancel_declined'],
  ['adjust', { amount: 20_000, currency: 'EUR' }, 'adjustment_declined'],
];

describe('capture, cancel and adjust', () => {
  let stand: Stand;
  const hotel = newMerchant();
  before(async () => {
    stand = await startWithDoubles();
  });
  after(async () => await stand.close());

  for (const [action, body, declined] of OPERATIONS) {
    test(`${action} 200: a repeated key gives the same bytes, also after more happened and after its reply was lost`, async () => {
      const id = await hold();
      const first = await post(id, action, 'done', body);
      assert.equal(first.status, 200, first.bytes.toString());
      paymentSchema.strict().parse(first.json());
      assert.equal(first.headers['location'], undefined);
      const payment = stand.transaction.paymentOf(id);
      payment.disputed = true;
      assertReplay(await post(id, action, 'done', body), first);
      await stand.database.query('delete from replies');
      assertReplay(await post(id, action, 'done', body), first);
    });

    test(`${action} 402: what the provider refused is kept and replayed`, async () => {
      const id = await hold();
      stand.transaction.outcomes.push('declined');
      const first = await post(id, action, 'declined', body);
      assert.equal(first.status, 402, first.bytes.toString());
      const problem = declineSchema.strict().parse(first.json());
      assert.deepEqual([problem.code, problem.decline.code], [declined, 'provider_refused']);
      assert.equal(problem.payment.status, 'authorized');
      assertReplay(await post(id, action, 'declined', body), first);
    });

    test(`${action} 202: an open outcome is not kept, and the same key later tells how it ended`, async () => {
      const id = await hold();
      stand.transaction.outcomes.push('pending');
      const first = await post(id, action, 'open', body);
      assert.equal(first.status, 202, first.bytes.toString());
      assert.equal((await post(id, action, 'open', body)).status, 202);
      stand.transaction.settleFollowUp(id, 'succeeded');
      const ended = await post(id, action, 'open', body);
      assert.equal(ended.status, 200);
      assert.deepEqual((await post(id, action, 'open', body)).bytes, ended.bytes);
    });

    test(`${action}: 50 at once with one key act once`, async () => {
      const id = await hold();
      const operationsBefore = stand.transaction.operations.size;
      const answers = await Promise.all(
        Array.from({ length: 50 }, async () => await post(id, action, 'same', body)),
      );
      const done = answers.filter((answer) => answer.status === 200);
      assert.ok(done.length >= 1);
      for (const answer of done) assert.deepEqual(answer.bytes, done[0]?.bytes);
      for (const answer of answers)
        if (answer.status !== 200) assert.equal(answer.json()['code'], 'in_progress');
      assert.equal(stand.transaction.operations.size, operationsBefore + 1);
    });

    test(`${action} 422: the key with another body, for another payment or at another endpoint is refused, also after success`, async () => {
      const id = await hold();
      const other = await hold();
      assert.equal((await post(id, action, 'taken', body)).status, 200);
      const elsewhere = action === 'capture' ? 'refund' : 'capture';
      const another = { ...body, ...(action === 'cancel' ? { reason: 'abandoned' } : { amount: 4_999 }) };
      const key = `taken-${id}`;
      const reused = [
        await post(id, action, 'taken', another),
        await stand.post(`/v1/payments/${other}/${action}`, key, body, { as: hotel }),
        await stand.post(`/v1/payments/${id}/${elsewhere}`, key, {}, { as: hotel }),
        await stand.charge(key, chargeBody(), { as: hotel }),
      ];
      for (const answer of reused) assertProblem(answer, 422, 'idempotency_key_reused');
    });

    test(`${action} 400, 401, 403, 404, 405, 413, 415: what may not be asked is not asked`, async () => {
      const id = await hold();
      const path = `/v1/payments/${id}/${action}`;
      const calls = stand.transaction.calls.length;
      assertProblem(
        await stand.post(path, 'k', { ...body, more: 1 }, { as: hotel }),
        400,
        'validation_failed',
      );
      assertProblem(await stand.post(`${path}?x=1`, 'k', body, { as: hotel }), 400, 'validation_failed');
      assertProblem(
        await stand.call(path, { method: 'POST', as: hotel, body }),
        400,
        'idempotency_key_invalid',
      );
      assertProblem(await stand.post(path, 'k', body, { as: null }), 401, 'unauthenticated');
      const reader = { ...hotel, scopes: ['payments:read', 'refunds:write'] };
      assertProblem(await stand.post(path, 'k', body, { as: reader }), 403, 'forbidden');
      assertProblem(await stand.call(path, { as: hotel }), 405, 'method_not_allowed');
      const large = Buffer.from(JSON.stringify({ reason: 'a'.repeat(256 * 1024) }));
      assertProblem(await stand.post(path, 'k', large, { as: hotel }), 413, 'payload_too_large');
      const headers = { 'content-type': 'text/plain' };
      assertProblem(await stand.post(path, 'k', body, { as: hotel, headers }), 415, 'unsupported_media_type');
      assert.equal(stand.transaction.calls.length, calls);
      const words = new Set<string>();
      for (const [where, as] of [
        [id, newMerchant()],
        [id, { ...hotel, mode: 'live' } satisfies Identity],
        [toPublicId('pay', newUuid()), hotel],
        ['pay_1', hotel],
      ] as const) {
        const answer = await stand.post(`/v1/payments/${where}/${action}`, `k-${newUuid()}`, body, { as });
        assertProblem(answer, 404, 'not_found');
        words.add(answer.bytes.toString().replace(/"request_id":"[^"]+"/, ''));
      }
      assert.equal(words.size, 1);
    });
  }

  test('48: amounts that are fractions, unsafe, zero or text are refused by name (400)', async () => {
    const id = await hold();
    for (const action of ['capture', 'adjust', 'refund'])
      for (const amount of [0.1, 1.5, 0, -5, '100', null]) {
        const answer = await post(id, action, `bad-${action}`, { amount, currency: 'EUR' });
        assert.equal(answer.status, 400, answer.bytes.toString());
        assert.deepEqual(answer.errorFields(), ['amount']);
      }
    const unsafe = { amount: 9_007_199_254_740_992 };
    assertProblem(await post(id, 'capture', 'unsafe', unsafe), 400, 'malformed_json');
  });

  test('422: another currency than the payment’s is refused, with and without an amount', async () => {
    const id = await hold();
    const bodies: [string, Record<string, unknown>][] = [
      ['capture', { amount: 100, currency: 'USD' }],
      ['capture', { currency: 'USD' }],
      ['adjust', { amount: 20_000, currency: 'JPY' }],
      ['refund', { currency: 'GBP' }],
    ];
    for (const [index, [action, body]] of bodies.entries())
      assertProblem(await post(id, action, `currency-${index}`, body), 422, 'currency_mismatch');
  });

  test('an amount without a currency is in the payment’s; without both it is all that is left', async () => {
    const id = await hold();
    const part = await post(id, 'capture', 'part', { amount: 50, keep_open: true });
    assert.deepEqual([part.status, part.json()['status']], [200, 'partially_captured']);
    assert.equal(part.json()['amount_captured'], 50);
    const rest = await post(id, 'capture', 'rest', {});
    assert.deepEqual([rest.json()['status'], rest.json()['amount_captured']], ['succeeded', 12_050]);
    assertProblem(await post(id, 'capture', 'more', {}), 409, 'already_captured');
    assertProblem(await post(id, 'cancel', 'late', {}), 409, 'already_captured');
  });

  test('cancel takes no body at all, but one that is announced must be JSON', async () => {
    const id = await hold();
    const path = `/v1/payments/${id}/cancel`;
    const wrong = await stand.post(path, 'c', Buffer.from('{'), { as: hotel });
    assertProblem(wrong, 400, 'malformed_json');
    const answer = await stand.post(path, 'c', undefined, { as: hotel });
    assert.deepEqual([answer.status, answer.json()['status']], [200, 'canceled']);
    assertReplay(await stand.post(path, 'c', {}, { as: hotel }), answer);
  });

  test('conflicts and limits come with their own names', async () => {
    const id = await hold();
    assertProblem(await post(id, 'capture', 'over', { amount: 12_051 }), 422, 'amount_exceeds_hold');
    assertProblem(await post(id, 'adjust', 'same', { amount: 12_050 }), 422, 'amount_unchanged');
    assert.equal((await post(id, 'cancel', 'stop', {})).status, 200);
    assertProblem(await post(id, 'capture', 'after', {}), 409, 'payment_canceled');
    assertProblem(
      await post(id, 'authorize', 'late', { card_token: 'tok_succeeds' }),
      409,
      'payment_canceled',
    );
  });

  async function hold(): Promise<string> {
    const answer = await stand.post('/v1/payments', newUuid(), chargeBody({ capture_method: 'manual' }), {
      as: hotel,
    });
    assert.equal(answer.status, 201, answer.bytes.toString());
    return String(answer.json()['id']);
  }

  /** The key carries the payment's id, so that tests do not meet. */
  async function post(id: string, action: string, key: string, body: unknown): Promise<Answer> {
    return await stand.post(`/v1/payments/${id}/${action}`, `${key}-${id}`, body, { as: hotel });
  }
});

describe('POST /v1/payments/:id/authorize', () => {
  let stand: Stand;
  before(async () => {
    stand = await startWithDoubles();
  });
  after(async () => await stand.close());

  for (const [method, rpc, status] of [
    ['manual', 'Authorize', 'authorized'],
    ['automatic', 'Sale', 'succeeded'],
  ] as const)
    test(`200: a created payment with capture_method ${method} becomes ${status}, and a repeat tells the same bytes`, async () => {
      const id = await created(method);
      const path = `/v1/payments/${id}/authorize`;
      const first = await stand.post(path, `pay-${id}`, { card_token: 'tok_succeeds' });
      assert.deepEqual([first.status, first.json()['status']], [200, status]);
      assert.equal(first.json()['id'], id);
      assert.equal(stand.transaction.calls.at(-1)?.rpc, rpc);
      assertReplay(await stand.post(path, `pay-${id}`, { card_token: 'tok_succeeds' }), first);
      const again = await stand.post(path, `again-${id}`, { card_token: 'tok_succeeds' });
      assertProblem(again, 409, 'payment_not_created');
    });

  test('402, 202, 400, 403, 404: declined, at the bank, without a card, without the scope, another hotel’s', async () => {
    const declined = await stand.post(await newPath(), 'd', { card_token: 'tok_fails_lost_card' });
    assertProblem(declined, 402, 'card_declined');
    const return_url = 'https://hotel.example/back';
    const challenge = await stand.post(await newPath(), 'c', { card_token: 'tok_challenge', return_url });
    assert.deepEqual([challenge.status, challenge.json()['status']], [202, 'requires_action']);
    assertProblem(await stand.post(await newPath(), 'n', {}), 400, 'validation_failed');
    const card_token = 'tok_succeeds';
    const reader = newMerchant({ scopes: ['payments:read'] });
    assertProblem(await stand.post(await newPath(), 'r', { card_token }, { as: reader }), 403, 'forbidden');
    assertProblem(
      await stand.post(await newPath(), 'o', { card_token }, { as: newMerchant() }),
      404,
      'not_found',
    );
  });

  async function newPath(): Promise<string> {
    return `/v1/payments/${await created('manual')}/authorize`;
  }

  async function created(capture_method: string): Promise<string> {
    const { card_token: _, ...body } = chargeBody({ capture_method });
    const answer = await stand.post('/v1/payments', newUuid(), body);
    assert.equal(answer.json()['status'], 'created');
    return String(answer.json()['id']);
  }
});

function assertProblem(answer: Answer | undefined, status: number, code: string): void {
  assert.equal(answer?.status, status, answer?.bytes.toString());
  assert.equal(answer?.json()['code'], code);
}

function assertReplay(replay: Answer, first: Answer): void {
  assert.equal(replay.status, first.status);
  assert.deepEqual(replay.bytes, first.bytes);
  assert.equal(first.headers['idempotent-replayed'], undefined);
  assert.equal(replay.headers['idempotent-replayed'], 'true');
  assert.equal(replay.headers['content-type'], first.headers['content-type']);
}
