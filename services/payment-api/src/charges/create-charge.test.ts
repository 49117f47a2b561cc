import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Stand } from '../testing/start-with-doubles.ts';
import { paymentSchema } from '../payments/payment.ts';
import { declineSchema } from './charge-reply.ts';

describe('POST /v1/charge', () => {
  let stand: Stand;
  before(async () => {
    stand = await startWithDoubles();
  });
  after(async () => await stand.close());

  test('201: a succeeded charge answers with the payment and where it is', async () => {
    const hotel = newMerchant();
    const body = chargeBody({
      guest: { name: 'Amélie Nothomb', email: 'amelie@example.com' },
      description: 'غرفة مزدوجة',
      metadata: { zone: 'b', Floor: '2', empty: '' },
      return_url: 'https://hotel.example/paid?b=1',
      provider_account: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d',
    });
    const answer = await stand.charge('created', body, { as: hotel });
    assert.equal(answer.status, 201, answer.bytes.toString());
    const payment = paymentSchema.strict().parse(answer.json());
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['location'], `/v1/payments/${payment.id}`);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['idempotent-replayed'], undefined);
    assert.deepEqual(payment, {
      id: payment.id,
      object: 'payment',
      mode: 'test',
      status: 'succeeded',
      amount: 12_050,
      currency: 'EUR',
      capture_method: 'automatic',
      amount_authorized: 12_050,
      amount_captured: 12_050,
      amount_refunded: 0,
      amount_authorize_pending: 0,
      amount_capture_pending: 0,
      amount_refund_pending: 0,
      hold: null,
      initiation: 'customer',
      network_transaction_id: 'ntx_1',
      original_network_transaction_id: null,
      quote: null,
      provider: 'stripe',
      provider_account: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d',
      provider_reference: `pi_${payment.id}`,
      card: { brand: 'visa', last4: '4242', expiry_month: 12, expiry_year: 2030 },
      booking_reference: 'BK-1',
      guest: { name: 'Amélie Nothomb', email: 'amelie@example.com' },
      description: 'غرفة مزدوجة',
      metadata: { Floor: '2', empty: '', zone: 'b' },
      failure: null,
      cancellation_reason: null,
      disputed: false,
      next_action: null,
      created_at: payment.created_at,
      updated_at: payment.updated_at,
    });
    const rows = await stand.database.query(
      'select mode, status_code, location, body, octet_length(fingerprint) as size from replies where merchant_id = $1',
      [hotel.merchantId],
    );
    const location = `/v1/payments/${payment.id}`;
    assert.deepEqual(rows.rows, [{ mode: 'test', status_code: 201, location, body: answer.bytes, size: 32 }]);
  });

  test('201: transaction is told who asked, for whom, and exactly what', async () => {
    const hotel = newMerchant({ mode: 'live' });
    const options = { as: hotel, headers: { 'x-request-id': 'req-abcdefgh' } };
    const answer = await stand.charge(
      'told',
      chargeBody({ amount: Number.MAX_SAFE_INTEGER, currency: 'JPY' }),
      options,
    );
    assert.equal(answer.status, 201);
    const sale = stand.transaction.saleCalls.at(-1);
    assert.match(
      sale?.operationId ?? '',
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.equal(sale?.merchantId, hotel.merchantId);
    assert.equal(sale?.mode, 2);
    assert.deepEqual(sale?.amount, { amountMinor: 9_007_199_254_740_991n, currency: 'JPY' });
    assert.deepEqual(sale?.origin, { actor: hotel.actor, requestId: 'req-abcdefgh', address: '203.0.113.7' });
    assert.equal(answer.json()['amount'], Number.MAX_SAFE_INTEGER);
    assert.equal(answer.json()['mode'], 'live');
  });

  test('402 card_declined: the card’s own failure comes with its reason and the payment', async () => {
    const answer = await stand.charge('declined', chargeBody({ card_token: 'tok_fails_insufficient_funds' }));
    assert.equal(answer.status, 402);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.equal(answer.headers['location'], undefined);
    const problem = declineSchema.strict().parse(answer.json());
    assert.equal(problem.code, 'card_declined');
    assert.equal(problem.type, 'urn:centra-payments:error:card_declined');
    assert.equal(problem.status, 402);
    const reason = {
      code: 'insufficient_funds',
      message: 'The bank says: insufficient_funds.',
      retryable: true,
    };
    assert.deepEqual(problem.decline, reason);
    assert.deepEqual(problem.payment.failure, reason);
    assert.equal(problem.payment.status, 'failed');
    assert.equal(problem.payment.amount_captured, 0);
  });

  test('402 payment_failed: a failure that is not the card’s, or that we do not know, does not blame the card', async () => {
    for (const reason of [
      'provider_refused',
      'provider_credentials_rejected',
      'not_charged',
      'something_new',
    ]) {
      const answer = await stand.charge(reason, chargeBody({ card_token: `tok_fails_${reason}` }));
      assert.equal(answer.status, 402);
      assert.equal(answer.json()['code'], 'payment_failed');
      assert.equal(declineSchema.strict().parse(answer.json()).decline.code, reason);
    }
  });

  test('202: an unknown outcome is processing, is not stored, and the same key later tells how it ended', async () => {
    const hotel = newMerchant();
    const body = chargeBody({ card_token: 'tok_processing' });
    const first = await stand.charge('unknown', body, { as: hotel });
    assert.equal(first.status, 202);
    assert.equal(first.json()['status'], 'processing');
    assert.equal(first.json()['card'], null);
    assert.equal(first.json()['provider_reference'], null);
    assert.equal(await repliesOf(hotel.merchantId), 0);

    const again = await stand.charge('unknown', body, { as: hotel });
    assert.equal(again.status, 202);
    assert.equal(await repliesOf(hotel.merchantId), 0);

    stand.transaction.settle(String(first.json()['id']), 'succeeded');
    const ended = await stand.charge('unknown', body, { as: hotel });
    assert.equal(ended.status, 201);
    assert.equal(ended.headers['idempotent-replayed'], 'true');
    assert.equal(ended.json()['id'], first.json()['id']);
    const replay = await stand.charge('unknown', body, { as: hotel });
    assert.deepEqual(replay.bytes, ended.bytes);
    assert.equal(await repliesOf(hotel.merchantId), 1);
  });

  test('202: a bank’s challenge says where to send the guest, and a failed one ends as 402 under the same key', async () => {
    const body = chargeBody({ card_token: 'tok_challenge', return_url: 'https://hotel.example/back' });
    const first = await stand.charge('challenge', body);
    assert.equal(first.status, 202);
    assert.equal(first.json()['status'], 'requires_action');
    const redirect = { type: 'redirect', redirect_url: 'https://bank.example/challenge/1' };
    assert.deepEqual(first.json()['next_action'], redirect);
    stand.transaction.settle(String(first.json()['id']), 'insufficient_funds');
    assert.equal((await stand.charge('challenge', body)).status, 402);
  });

  test('401, 403: without an identity, with a forged one or without the scope nothing is asked', async () => {
    const calls = stand.transaction.saleCalls.length;
    const nobody = await stand.charge('k', chargeBody(), { as: null });
    assertProblem(nobody, 401, 'unauthenticated');
    const forged = await stand.charge('k', chargeBody(), {
      as: null,
      headers: { 'x-centra-identity': 'e30.e30.x' },
    });
    assertProblem(forged, 401, 'unauthenticated');
    const reader = await stand.charge('k', chargeBody(), { as: newMerchant({ scopes: ['payments:read'] }) });
    assertProblem(reader, 403, 'forbidden');
    assert.equal(reader.json()['required_scope'], 'payments:write');
    assert.equal(stand.transaction.saleCalls.length, calls);
  });

  test('404, 405: other spellings and methods reach no handler', async () => {
    for (const path of [
      '/v1/Charge',
      '/v1/charge/',
      '//v1/charge',
      '/v1/charge;x',
      '/v1%2Fcharge',
      '/v1/charge/%ff',
    ])
      assertProblem(await stand.call(path, { method: 'POST', body: chargeBody() }), 404, 'not_found');
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await stand.call('/v1/charge', { method });
      assertProblem(answer, 405, 'method_not_allowed');
      assert.equal(answer.headers['allow'], 'POST');
    }
  });

  test('413, 415: a body that is too large, encoded or not JSON is refused unread', async () => {
    const large = Buffer.from(JSON.stringify(chargeBody({ description: 'a'.repeat(256 * 1024) })));
    assertProblem(await stand.charge('k', large), 413, 'payload_too_large');
    assertProblem(await stand.charge('k', large, { chunked: true }), 413, 'payload_too_large');
    for (const headers of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json; charset=latin1' },
      { 'content-encoding': 'gzip' },
    ])
      assertProblem(await stand.charge('k', chargeBody(), { headers }), 415, 'unsupported_media_type');
  });

  test('422: card data is refused wherever it stands, and is nowhere afterwards', async () => {
    const number = '4242 4242 4242 4242';
    const places: Record<string, unknown>[] = [
      { description: `card ${number}` },
      { booking_reference: number },
      { metadata: { note: '4242-4242-4242-4242' } },
      { metadata: { '4242424242424242': 'x' } },
      { guest: { name: number } },
      { guest: { name: 'Ada', email: '4242424242424242@example.com' } },
      { card_token: '4242424242424242' },
      { return_url: 'https://hotel.example/?n=4242424242424242' },
      { amount: 4242424242424242 },
      { cvv: '123' },
    ];
    const calls = stand.transaction.saleCalls.length;
    const rows = await stand.replyCount();
    for (const place of places) {
      const answer = await stand.charge('k', chargeBody(place));
      assertProblem(answer, 422, 'card_data_not_allowed');
      assert.doesNotMatch(answer.bytes.toString(), /4242/);
    }
    const inKey = await stand.charge('4242424242424242', chargeBody());
    assertProblem(inKey, 422, 'card_data_not_allowed');
    assert.deepEqual(inKey.json()['errors'], [
      { field: 'Idempotency-Key', reason: 'looks like card data, which only the card vault may receive' },
    ]);
    const inQuery = await stand.call('/v1/charge?n=4242424242424242', { method: 'POST', body: chargeBody() });
    assertProblem(inQuery, 422, 'card_data_not_allowed');
    assert.equal(stand.transaction.saleCalls.length, calls);
    assert.equal(await stand.replyCount(), rows);
  });

  const passedOn: [ErrorCode, number][] = [
    ['currency_not_supported', 422],
    ['amount_not_allowed', 422],
    ['provider_account_missing', 422],
    ['provider_credentials_rejected', 422],
    ['provider_unreachable', 503],
    ['unavailable', 503],
  ];
  for (const [code, status] of passedOn)
    test(`${status} ${code}: transaction's refusal reaches the client, and the key may be used again`, async () => {
      const hotel = newMerchant();
      stand.transaction.faults.push(new AppError(code, { detail: 'In these words.' }));
      const refused = await stand.charge('refused', chargeBody(), { as: hotel });
      assertProblem(refused, status, code);
      assert.equal(refused.json()['detail'], 'In these words.');
      assert.equal(refused.headers['retry-after'], status === 503 ? '1' : undefined);
      assert.equal(await repliesOf(hotel.merchantId), 0);
      const again = await stand.charge('refused', chargeBody(), { as: hotel });
      assert.equal(again.status, 201);
      assert.equal(again.headers['idempotent-replayed'], undefined);
    });

  test('503: when transaction does not accept this service, nothing was done, and the client’s credential is not blamed', async () => {
    for (const code of ['unauthenticated', 'forbidden'] as const) {
      stand.transaction.faults.push(new AppError(code, { internal: 'secret reason' }));
      const answer = await stand.charge(`not-trusted-${code}`, chargeBody());
      assertProblem(answer, 503, 'unavailable');
      assert.equal(answer.headers['retry-after'], '1');
      assert.doesNotMatch(answer.bytes.toString(), /secret|transaction|stack/);
      assert.equal((await stand.charge(`not-trusted-${code}`, chargeBody())).status, 201);
    }
  });

  test('500: a fault of transaction is ours, and says nothing of it', async () => {
    stand.transaction.faults.push(new AppError('internal', { internal: 'secret reason' }));
    const answer = await stand.charge('faulty', chargeBody());
    assertProblem(answer, 500, 'internal');
    assert.doesNotMatch(answer.bytes.toString(), /secret|transaction|stack/);
  });

  async function repliesOf(merchantId: string): Promise<number> {
    const { rowCount } = await stand.database.query('select from replies where merchant_id = $1', [
      merchantId,
    ]);
    return rowCount ?? 0;
  }
});

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.bytes.toString());
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.json()['code'], code);
  assert.equal(answer.json()['request_id'], answer.headers['x-request-id']);
}
