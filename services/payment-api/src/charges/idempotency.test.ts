import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Stand } from '../testing/start-with-doubles.ts';

describe('Idempotency-Key', () => {
  let stand: Stand;
  before(async () => {
    stand = await startWithDoubles();
  });
  after(async () => await stand.close());

  test('50 at once with one key charge once; the others hear in_progress or get the very same answer', async () => {
    const hotel = newMerchant();
    const { promise, resolve: open } = Promise.withResolvers<void>();
    stand.transaction.gate = promise;
    const calls = Array.from(
      { length: 50 },
      async () => await stand.charge('same', chargeBody(), { as: hotel }),
    );
    // The gate opens only when one is answered: everyone else arrived while the charge was running.
    const first = await Promise.race(calls);
    assertInProgress(first);
    open();
    stand.transaction.gate = undefined;
    const answers = await Promise.all(calls);
    const done = answers.filter((answer) => answer.status === 201);
    assert.ok(done.length >= 1);
    for (const answer of answers) if (answer.status !== 201) assertInProgress(answer);
    assert.equal(operationsOf(hotel.merchantId), 1);

    const late = await Promise.all(
      Array.from({ length: 50 }, async () => await stand.charge('same', chargeBody(), { as: hotel })),
    );
    for (const answer of [...done, ...late]) {
      assert.equal(answer.status, 201);
      assert.deepEqual(answer.bytes, done[0]?.bytes);
    }
    for (const answer of late) assert.equal(answer.headers['idempotent-replayed'], 'true');
    assert.equal(operationsOf(hotel.merchantId), 1);
    assert.equal((await rowsOf(hotel.merchantId)).length, 1);
  });

  for (const [outcome, token] of [
    ['success', 'tok_succeeds'],
    ['decline', 'tok_fails_insufficient_funds'],
  ] as const)
    test(`a repeated key replays a ${outcome} with the same status, headers and bytes, and charges once`, async () => {
      const hotel = newMerchant();
      const body = chargeBody({ card_token: token, metadata: { b: '1', a: '2', '10': 'x', '9': 'y' } });
      const first = await stand.charge('again', body, { as: hotel });
      const replay = await stand.charge('again', body, { as: hotel });
      assertReplayOf(replay, first);
      assert.notEqual(replay.headers['x-request-id'], first.headers['x-request-id']);
      assert.doesNotMatch(first.bytes.toString(), /req_/);
      assert.equal(operationsOf(hotel.merchantId), 1);
    });

  for (const [outcome, token] of [
    ['success', 'tok_succeeds'],
    ['decline', 'tok_fails_expired_card'],
  ] as const)
    test(`a ${outcome} whose stored reply was lost is derived again byte by byte, and stored`, async () => {
      const hotel = newMerchant();
      const body = chargeBody({ card_token: token, metadata: { b: '1', a: '2' }, guest: { name: 'Ada' } });
      const first = await stand.charge('lost', body, { as: hotel });
      const stored = await rowsOf(hotel.merchantId);
      await stand.database.query('delete from replies where merchant_id = $1', [hotel.merchantId]);
      assertReplayOf(await stand.charge('lost', body, { as: hotel }), first);
      assert.deepEqual(await rowsOf(hotel.merchantId), stored);
    });

  test('a replay sends the stored bytes, even where deriving them again would give others', async () => {
    const hotel = newMerchant();
    await stand.charge('stored', chargeBody(), { as: hotel });
    const kept = Buffer.from('{"as":"it was"}');
    await stand.database.query('update replies set body = $2 where merchant_id = $1', [
      hotel.merchantId,
      kept,
    ]);
    const replay = await stand.charge('stored', chargeBody(), { as: hotel });
    assert.deepEqual(replay.bytes, kept);
  });

  test('the same key with any other value is 422 idempotency_key_reused, before and after the end, and charges nothing', async () => {
    const hotel = newMerchant();
    const original = chargeBody({
      guest: { name: 'Ada', email: 'ada@example.com' },
      description: 'Two nights',
      metadata: { room: '204' },
      return_url: 'https://hotel.example/a',
      provider_account: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d',
    });
    const changes: Record<string, unknown>[] = [
      { card_token: 'tok_succeeds2' },
      { amount: 12_051 },
      { currency: 'USD' },
      { booking_reference: 'BK-2' },
      { guest: { name: 'Ada' } },
      { guest: { name: 'Ada', email: 'ada@example.org' } },
      { description: 'Two  nights' },
      { metadata: { room: '205' } },
      { metadata: { Room: '204' } },
      { metadata: {} },
      { return_url: 'https://hotel.example/b' },
      { provider_account: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4e' },
    ];
    for (const token of ['tok_succeeds', 'tok_processing', 'tok_fails_lost_card']) {
      const body = { ...original, card_token: token };
      await stand.charge(token, body, { as: hotel });
      const operations = operationsOf(hotel.merchantId);
      const rows = await rowsOf(hotel.merchantId);
      for (const change of changes) {
        const answer = await stand.charge(token, { ...body, ...change }, { as: hotel });
        assert.equal(answer.status, 422, JSON.stringify(change));
        assert.equal(answer.json()['code'], 'idempotency_key_reused');
        assert.equal(answer.headers['idempotent-replayed'], undefined);
      }
      assert.equal(operationsOf(hotel.merchantId), operations);
      assert.deepEqual(await rowsOf(hotel.merchantId), rows);
    }
  });

  test('the same request in another key order and spacing is the same request', async () => {
    const hotel = newMerchant();
    const first = await stand.charge(
      'spacing',
      Buffer.from(
        '{"card_token":"tok_succeeds","amount":100,"currency":"EUR","booking_reference":"B\u00e9","metadata":{"a":"1","b":"2"}}',
      ),
      { as: hotel },
    );
    assert.equal(first.status, 201);
    const other = await stand.charge(
      'spacing',
      Buffer.from(
        ' {\n"metadata" : {"b":"2",\t"a":"1"}, "booking_reference":"B\\u00e9","currency":"EUR" ,"amount":100,"card_token":"tok_succeeds"}\r\n',
      ),
      { as: hotel },
    );
    assertReplayOf(other, first);
  });

  test('one key at two hotels, or in two modes, names independent charges', async () => {
    const hotel = newMerchant();
    const callers = [hotel, newMerchant(), newMerchant({ merchantId: hotel.merchantId, mode: 'live' })];
    const answers = [];
    for (const as of callers) answers.push(await stand.charge('shared', chargeBody(), { as }));
    for (const answer of answers) {
      assert.equal(answer.status, 201);
      assert.equal(answer.headers['idempotent-replayed'], undefined);
    }
    assert.equal(new Set(answers.map((answer) => answer.json()['id'])).size, 3);
    for (const [index, as] of callers.entries())
      assertReplayOf(await stand.charge('shared', chargeBody(), { as }), answers[index]);
  });

  test('a replay after 25 hours is the same answer; after 31 days it is 409 naming the payment, and charges nothing', async () => {
    const hotel = newMerchant();
    const first = await stand.charge('old', chargeBody(), { as: hotel });
    age(hotel.merchantId, 25);
    assertReplayOf(await stand.charge('old', chargeBody(), { as: hotel }), first);
    age(hotel.merchantId, 30 * 24);
    const late = await stand.charge('old', chargeBody(), { as: hotel });
    assert.equal(late.status, 409);
    assert.equal(late.json()['code'], 'idempotency_key_expired');
    assert.equal(late.json()['payment_id'], first.json()['id']);
    assert.equal(operationsOf(hotel.merchantId), 1);
  });

  test('a request refused with 400 does not use its key up', async () => {
    const hotel = newMerchant();
    assert.equal((await stand.charge('fixed', chargeBody({ amount: 0 }), { as: hotel })).status, 400);
    const answer = await stand.charge('fixed', chargeBody(), { as: hotel });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers['idempotent-replayed'], undefined);
  });

  function operationsOf(merchantId: string): number {
    return [...stand.transaction.operations.values()].filter((each) => each.merchantId === merchantId).length;
  }

  async function rowsOf(merchantId: string): Promise<unknown[]> {
    const { rows } = await stand.database.query<Record<string, unknown>>(
      `select operation_id, mode, fingerprint, status_code, location, body from replies
        where merchant_id = $1 order by operation_id`,
      [merchantId],
    );
    return rows;
  }

  function age(merchantId: string, hours: number): void {
    for (const operation of stand.transaction.operations.values())
      if (operation.merchantId === merchantId)
        operation.createdAt = new Date(operation.createdAt.getTime() - hours * 3_600_000);
  }
});

function assertInProgress(answer: Answer): void {
  assert.equal(answer.status, 409, answer.bytes.toString());
  assert.equal(answer.json()['code'], 'in_progress');
  assert.equal(answer.headers['retry-after'], '1');
}

function assertReplayOf(replay: Answer, first: Answer | undefined): void {
  assert.equal(replay.status, first?.status);
  assert.deepEqual(replay.bytes, first?.bytes);
  assert.equal(first?.headers['idempotent-replayed'], undefined);
  assert.equal(replay.headers['idempotent-replayed'], 'true');
  for (const name of ['content-type', 'location', 'cache-control', 'content-length'])
    assert.equal(replay.headers[name], first?.headers[name], name);
}
