import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { declineSchema } from '../charges/charge-reply.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Stand } from '../testing/start-with-doubles.ts';
import { paymentSchema } from './payment.ts';

const PATH = '/v1/payments';
const hosted = { success_url: 'https://hotel.example/paid', cancel_url: 'https://hotel.example/back' };

/** A payment without a card; `changes` replace or add fields. */
function newBody(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const { card_token: _, ...body } = chargeBody();
  return { ...body, ...changes };
}

describe('POST /v1/payments', () => {
  let stand: Stand;
  before(async () => {
    stand = await startWithDoubles();
  });
  after(async () => await stand.close());

  test('201: with a card token it is collected, or held, at once; each by its own call', async () => {
    const rpcs = [];
    for (const [method, status, rpc] of [
      [undefined, 'succeeded', 'Sale'],
      ['automatic', 'succeeded', 'Sale'],
      ['manual', 'authorized', 'Authorize'],
    ] as const) {
      const body = chargeBody(method === undefined ? {} : { capture_method: method });
      const answer = await stand.post(PATH, `card-${String(method)}`, body);
      assert.equal(answer.status, 201, answer.bytes.toString());
      const payment = paymentSchema.strict().parse(answer.json());
      assert.equal(payment.status, status);
      assert.equal(answer.headers['location'], `/v1/payments/${payment.id}`);
      assert.equal(payment.amount_captured, status === 'succeeded' ? 12_050 : 0);
      assert.equal(payment.hold?.amount_capturable, status === 'succeeded' ? undefined : 12_050);
      assert.equal(stand.transaction.calls.at(-1)?.rpc, rpc);
      rpcs.push(rpc);
    }
    assert.equal(rpcs.length, 3);
  });

  test('201: without a card it is only created, and a repeat tells the same bytes, also after it was paid', async () => {
    const first = await stand.post(PATH, 'later', newBody({ capture_method: 'manual' }));
    assert.equal(first.status, 201);
    assert.equal(first.json()['status'], 'created');
    assert.equal(stand.transaction.calls.at(-1)?.rpc, 'CreatePayment');
    const path = `${PATH}/${String(first.json()['id'])}/authorize`;
    assert.equal((await stand.post(path, 'pay-later', { card_token: 'tok_succeeds' })).status, 200);
    assertReplay(await stand.post(PATH, 'later', newBody({ capture_method: 'manual' })), first);
    await stand.database.query('delete from replies');
    assertReplay(await stand.post(PATH, 'later', newBody({ capture_method: 'manual' })), first);
  });

  test('202: a hosted payment says where to send the guest, and its key later tells how it ended', async () => {
    const first = await stand.post(PATH, 'hosted', newBody({ hosted }));
    assert.equal(first.status, 202);
    const redirect = { type: 'redirect', redirect_url: 'https://provider.example/pay/1' };
    assert.deepEqual(first.json()['next_action'], redirect);
    const call = stand.transaction.calls.at(-1);
    assert.equal(call?.rpc, 'Initiate');
    const { successUrl, expiresInMinutes } = Object(call.request);
    assert.deepEqual([successUrl, expiresInMinutes], [hosted.success_url, 60]);
    stand.transaction.settle(String(first.json()['id']), 'succeeded');
    const ended = await stand.post(PATH, 'hosted', newBody({ hosted }));
    assert.equal(ended.status, 201);
    assert.equal(ended.json()['status'], 'succeeded');
    assertSame(await stand.post(PATH, 'hosted', newBody({ hosted })), ended);
  });

  test('transaction is told every option exactly, and nothing that was not said', async () => {
    await stand.post(PATH, 'plain', chargeBody());
    assert.deepEqual(Object(stand.transaction.calls.at(-1)?.request).options, {
      initiation: 1,
      originalNetworkTransactionId: '',
      extras: { multipleCapture: false, incremental: false, overcapture: false, extended: false },
      allowPartialApproval: false,
      retrySoftDeclines: false,
      quoteId: '',
      quoteHash: '',
      routingHints: undefined,
    });
    const answer = await stand.post(
      PATH,
      'all',
      chargeBody({
        capture_method: 'manual',
        initiation: 'merchant',
        original_network_transaction_id: 'MCC123ABC0101',
        extras: { multiple_capture: true, incremental: true, overcapture: false, extended: true },
        allow_partial_approval: true,
        retry_soft_declines: true,
        card: { brand: 'visa', country: 'FR' },
      }),
    );
    assert.equal(answer.json()['initiation'], 'merchant');
    assert.deepEqual(Object(stand.transaction.calls.at(-1)?.request).options, {
      initiation: 2,
      originalNetworkTransactionId: 'MCC123ABC0101',
      extras: { multipleCapture: true, incremental: true, overcapture: false, extended: true },
      allowPartialApproval: true,
      retrySoftDeclines: true,
      quoteId: '',
      quoteHash: '',
      routingHints: { cardBrand: 'visa', cardCountry: 'FR', country: '' },
    });
  });

  test('402: a declined hold is the same bytes again, and again after its stored reply was lost', async () => {
    const hotel = newMerchant();
    const body = chargeBody({ card_token: 'tok_fails_insufficient_funds', capture_method: 'manual' });
    const first = await stand.post(PATH, 'declined', body, { as: hotel });
    assert.equal(first.status, 402);
    assert.equal(declineSchema.strict().parse(first.json()).code, 'card_declined');
    assertReplay(await stand.post(PATH, 'declined', body, { as: hotel }), first);
    await stand.database.query('delete from replies where merchant_id = $1', [hotel.merchantId]);
    assertReplay(await stand.post(PATH, 'declined', body, { as: hotel }), first);
  });

  test('50 at once with one key make one payment; all answers are in_progress or the same bytes', async () => {
    const hotel = newMerchant();
    const calls = Array.from(
      { length: 50 },
      async () => await stand.post(PATH, 'same', chargeBody({ capture_method: 'manual' }), { as: hotel }),
    );
    const answers = await Promise.all(calls);
    const done = answers.filter((answer) => answer.status === 201);
    assert.ok(done.length >= 1);
    for (const answer of done) assert.deepEqual(answer.bytes, done[0]?.bytes);
    for (const answer of answers)
      if (answer.status !== 201) assert.equal(answer.json()['code'], 'in_progress');
    const own = [...stand.transaction.operations.values()].filter(
      (operation) => operation.merchantId === hotel.merchantId,
    );
    assert.equal(own.length, 1);
  });

  test('400: fields that are wrong, unsafe or contradict each other name themselves, and nothing is asked', async () => {
    const calls = stand.transaction.calls.length;
    const refused: [Record<string, unknown>, string][] = [
      [newBody({ amount: undefined }), 'amount'],
      [newBody({ currency: undefined }), 'currency'],
      ...[1.5, 0, -1, '100', null].map((amount): [Record<string, unknown>, string] => [
        newBody({ amount }),
        'amount',
      ]),
      [newBody({ currency: 'eur' }), 'currency'],
      [newBody({ capture_method: 'later' }), 'capture_method'],
      [newBody({ initiation: 'me' }), 'initiation'],
      [newBody({ booking_reference: undefined }), 'booking_reference'],
      [newBody({ extras: { everything: true } }), 'extras.everything'],
      [newBody({ extras: { incremental: 'yes' } }), 'extras.incremental'],
      [newBody({ return_url: 'https://hotel.example/a' }), 'return_url'],
      [newBody({ hosted, return_url: 'https://hotel.example/a' }), 'return_url'],
      [chargeBody({ hosted }), 'card_token'],
      [newBody({ hosted, initiation: 'moto' }), 'initiation'],
      [newBody({ hosted: { ...hosted, success_url: 'http://hotel.example' } }), 'hosted.success_url'],
      [newBody({ hosted: { success_url: hosted.success_url } }), 'hosted.cancel_url'],
      [newBody({ hosted: { ...hosted, expires_in_minutes: 29 } }), 'hosted.expires_in_minutes'],
      [newBody({ hosted: { ...hosted, expires_in_minutes: 1_441 } }), 'hosted.expires_in_minutes'],
      [chargeBody({ retry_soft_declines: true }), 'retry_soft_declines'],
      [chargeBody({ original_network_transaction_id: 'x' }), 'original_network_transaction_id'],
      [
        chargeBody({ initiation: 'moto', original_network_transaction_id: 'x' }),
        'original_network_transaction_id',
      ],
      [newBody({ quote: 'quo_1' }), 'quote'],
    ];
    for (const [body, field] of refused) {
      const answer = await stand.post(PATH, 'bad', body);
      assert.equal(answer.status, 400, `${field}: ${answer.bytes.toString()}`);
      assert.deepEqual(answer.errorFields(), [field]);
    }
    // No JSON reader of another language would read these alike, so not even the body is accepted.
    for (const amount of [9_007_199_254_740_992, 1e300])
      assertProblem(await stand.post(PATH, 'bad', newBody({ amount })), 400, 'malformed_json');
    assert.equal(stand.transaction.calls.length, calls);
  });

  test('400: a key that is missing, empty, too long or not printable ASCII, and the key still works when it is one', async () => {
    const calls = stand.transaction.calls.length;
    for (const key of ['', 'a'.repeat(256), 'tab\there', 'é'])
      assertProblem(
        await stand.post(PATH, 'k', chargeBody(), { headers: { 'idempotency-key': key } }),
        400,
        'idempotency_key_invalid',
      );
    assertProblem(
      await stand.call(PATH, { method: 'POST', body: chargeBody() }),
      400,
      'idempotency_key_invalid',
    );
    assert.equal(stand.transaction.calls.length, calls);
    assert.equal((await stand.post(PATH, 'a'.repeat(255), chargeBody())).status, 201);
  });

  test('401, 403, 405, 413, 415, 422: no identity, no scope, another method, a body that may not be', async () => {
    const calls = stand.transaction.calls.length;
    assertProblem(await stand.post(PATH, 'k', chargeBody(), { as: null }), 401, 'unauthenticated');
    const reader = newMerchant({ scopes: ['payments:read', 'refunds:write'] });
    assertProblem(await stand.post(PATH, 'k', chargeBody(), { as: reader }), 403, 'forbidden');
    const put = await stand.call(PATH, { method: 'PUT' });
    assertProblem(put, 405, 'method_not_allowed');
    assert.equal(put.headers['allow'], 'GET, POST');
    const large = Buffer.from(JSON.stringify(chargeBody({ description: 'a'.repeat(256 * 1024) })));
    assertProblem(await stand.post(PATH, 'k', large), 413, 'payload_too_large');
    const headers = { 'content-type': 'text/plain' };
    assertProblem(await stand.post(PATH, 'k', chargeBody(), { headers }), 415, 'unsupported_media_type');
    const card = await stand.post(PATH, 'k', newBody({ description: '4242 4242 4242 4242' }));
    assertProblem(card, 422, 'card_data_not_allowed');
    assert.equal(stand.transaction.calls.length, calls);
  });

  test('422: a key of a charge, used again here with the same body, is refused; so is the other way round', async () => {
    const hotel = newMerchant();
    assert.equal((await stand.charge('taken', chargeBody(), { as: hotel })).status, 201);
    assertProblem(
      await stand.post(PATH, 'taken', chargeBody(), { as: hotel }),
      422,
      'idempotency_key_reused',
    );
    assert.equal((await stand.post(PATH, 'taken-2', chargeBody(), { as: hotel })).status, 201);
    assertProblem(await stand.charge('taken-2', chargeBody(), { as: hotel }), 422, 'idempotency_key_reused');
  });

  test('a refusal of transaction reaches the client and leaves the key usable; a lost answer is asked for again', async () => {
    const hotel = newMerchant();
    stand.transaction.faults.push(new AppError('not_supported'));
    const body = chargeBody({ capture_method: 'manual' });
    assertProblem(await stand.post(PATH, 'again', body, { as: hotel }), 422, 'not_supported');
    stand.transaction.faults.push('cut-after-commit');
    const cut = await stand.post(PATH, 'again', body, { as: hotel });
    assert.equal(cut.status, 201, cut.bytes.toString());
    const own = [...stand.transaction.operations.values()].filter(
      (operation) => operation.merchantId === hotel.merchantId,
    );
    assert.equal(own.length, 1);
  });

  test('a quote says the price; the same request gets that price again after the quote is gone, another one does not', async () => {
    const hotel = newMerchant();
    const made = await stand.call('/v1/quotes', { method: 'POST', as: hotel, body: QUOTE_REQUEST });
    assert.equal(made.status, 201, made.bytes.toString());
    const quote = made.json();
    const body = chargeBody({ quote_id: quote['id'], amount: undefined, currency: undefined });
    const first = await stand.post(PATH, 'quoted', body, { as: hotel });
    assert.equal(first.status, 201, first.bytes.toString());
    assert.deepEqual(first.json()['quote'], { id: quote['id'], hash: quote['hash'] });
    const asked = Object(stand.transaction.calls.at(-1)?.request);
    assert.equal(Number(asked.amount.amountMinor), first.json()['amount']);
    const other = { ...body, amount: Number(first.json()['amount']) + 1 };
    assertProblem(await stand.post(PATH, 'other', other, { as: hotel }), 422, 'quote_mismatch');

    await stand.database.query(
      `update quotes set created_at = created_at - interval '2 days', expires_at = expires_at - interval '2 days'
        where merchant_id = $1`,
      [hotel.merchantId],
    );
    await stand.database.query('delete from replies where merchant_id = $1', [hotel.merchantId]);
    assertReplay(await stand.post(PATH, 'quoted', body, { as: hotel }), first);
    const late = await stand.post(PATH, 'late', body, { as: hotel });
    assertProblem(late, 409, 'quote_expired');
  });
});

const QUOTE_REQUEST = { currency: 'EUR', items: [{ item: 'transfer.airport', quantity: 2 }] };

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.bytes.toString());
  assert.equal(answer.json()['code'], code);
}

function assertSame(replay: Answer, first: Answer): void {
  assert.equal(replay.status, first.status);
  assert.deepEqual(replay.bytes, first.bytes);
  assert.equal(replay.headers['idempotent-replayed'], 'true');
  assert.equal(replay.headers['location'], first.headers['location']);
  assert.equal(replay.headers['content-type'], first.headers['content-type']);
}

function assertReplay(replay: Answer, first: Answer): void {
  assert.equal(first.headers['idempotent-replayed'], undefined);
  assertSame(replay, first);
}
