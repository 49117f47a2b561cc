import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import type { GetQuoteRequest } from '@centra/proto/centra/payment/v1/payment.ts';
import { callUnary, fromServiceError, isServiceError } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Stand } from '../testing/start-with-doubles.ts';
import { quoteSchema } from './quote.ts';

// Generous: a loaded machine must not fail a test of contents.
const DEADLINE_MS = 20_000;
const hotel = newMerchant();
const STAY = { item: 'room.double', check_in: '2026-11-01', check_out: '2026-11-04' };
const BODY = { currency: 'EUR', items: [STAY, { item: 'breakfast', quantity: 2, nights: 3 }], guests: 2 };

let stand: Stand;
let client: PaymentServiceClient;
before(async () => {
  stand = await startWithDoubles();
  client = stand.bookingApi();
  stand.auth.addKey('ck_test_hotel', hotel);
  stand.auth.addKey('ck_test_reader', { ...hotel, scopes: ['payments:read'] });
});
after(async () => {
  client.close();
  await stand.close();
});

const post = async (body: unknown, as = hotel): Promise<Answer> =>
  await stand.call('/v1/quotes', { method: 'POST', as, body });

describe('POST /v1/quotes', () => {
  test('201: lines, sums, hash and a life of 30 minutes by the database’s clock; GET tells the same', async () => {
    const answer = await post(BODY);
    assert.equal(answer.status, 201, answer.bytes.toString());
    const quote = quoteSchema.strict().parse(answer.json());
    assert.deepEqual([quote.amount, quote.amount_subtotal, quote.amount_discount], [46_500, 45_000, 0]);
    assert.equal(quote.amount_tax, 5_591);
    assert.deepEqual(
      quote.lines.map((line) => [line.kind, line.code, line.amount, line.included]),
      [
        ['item', 'breakfast', 9_000, false],
        ['item', 'room.double', 36_000, false],
        ['tax', 'city', 1_500, false],
        ['tax', 'vat', 4_091, true],
      ],
    );
    assert.equal(Date.parse(quote.expires_at) - Date.parse(quote.created_at), 30 * 60_000);
    assert.equal(answer.headers['location'], `/v1/quotes/${quote.id}`);
    const read = await stand.call(`/v1/quotes/${quote.id}`, { as: hotel });
    assert.equal(read.status, 200);
    assert.deepEqual(read.json(), answer.json());
    const { rows } = await stand.database.query(
      `select mode, encode(hash, 'hex') as hash, total_minor::text as total, pricing_version from quotes where merchant_id = $1`,
      [hotel.merchantId],
    );
    assert.deepEqual(rows, [{ mode: 'test', hash: quote.hash, total: '46500', pricing_version: '2026-01' }]);
  });

  test('201: the same wish has the same hash and another id; another hotel’s has another hash', async () => {
    const [one, two, other] = await Promise.all([post(BODY), post(BODY), post(BODY, newMerchant())]);
    assert.equal(one.json()['hash'], two.json()['hash']);
    assert.notEqual(one.json()['id'], two.json()['id']);
    assert.notEqual(one.json()['hash'], other.json()['hash']);
  });

  test('201: yen and thousandths of dinars', async () => {
    for (const [currency, amount] of [
      ['JPY', 3 * 19_000 + 3 * 400],
      ['KWD', 3 * 40_125 + 3 * 850],
    ])
      assert.equal((await post({ currency, items: [STAY] })).json()['amount'], amount);
  });

  test('400: what is no request for a quote, naming the field', async () => {
    const bad: [unknown, string][] = [
      [{ ...BODY, currency: 'eur' }, 'currency'],
      [{ ...BODY, items: [] }, 'items'],
      [{ ...BODY, items: Array.from({ length: 21 }, () => STAY) }, 'items'],
      [{ ...BODY, items: [{ ...STAY, quantity: 0 }] }, 'items.0.quantity'],
      [{ ...BODY, items: [{ ...STAY, quantity: 1.5 }] }, 'items.0.quantity'],
      [{ ...BODY, items: [{ ...STAY, check_out: '2026-11-01' }] }, 'items.0.check_out'],
      [{ ...BODY, items: [{ ...STAY, check_out: '2027-11-03' }] }, 'items.0.check_out'],
      [{ ...BODY, items: [{ ...STAY, check_in: '2026-02-30' }] }, 'items.0.check_in'],
      [{ ...BODY, items: [{ item: 'room.double', check_out: '2026-11-04' }] }, 'items.0.check_in'],
      [{ ...BODY, items: [{ ...STAY, nights: 2 }] }, 'items.0.nights'],
      [{ ...BODY, items: [{ ...STAY, item: 'Room Double' }] }, 'items.0.item'],
      [{ ...BODY, items: [{ item: 'room.double', nights: 3 }] }, 'items.0.check_in'],
      [{ ...BODY, discount_codes: ['WELCOME', 'welcome'] }, 'discount_codes'],
      [{ ...BODY, discount_codes: ['é'] }, 'discount_codes.0'],
      [{ ...BODY, guests: 0 }, 'guests'],
      [{ ...BODY, price: 1 }, 'price'],
      [[], 'body'],
    ];
    for (const [body, field] of bad) {
      const answer = await post(body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.equal(answer.json()['code'], 'validation_failed');
      assert.deepEqual(answer.errorFields(), [field]);
    }
    const query = await stand.call('/v1/quotes?a=1', { method: 'POST', as: hotel, body: BODY });
    assert.equal(query.status, 400);
  });

  test('401, 403, 405, 415', async () => {
    assert.equal((await stand.call('/v1/quotes', { method: 'POST', as: null, body: BODY })).status, 401);
    const reader = await post(BODY, { ...hotel, scopes: ['payments:read'] });
    assert.deepEqual([reader.status, reader.json()['required_scope']], [403, 'payments:write']);
    const get = await stand.call('/v1/quotes', { as: hotel });
    assert.deepEqual([get.status, get.headers['allow']], [405, 'POST']);
    const headers = { 'content-type': 'text/plain' };
    const text = await stand.call('/v1/quotes', { method: 'POST', as: hotel, body: BODY, headers });
    assert.equal(text.status, 415);
  });

  test('422: what the pricing does not sell, a code that is over, a card number', async () => {
    const priced: [unknown, string][] = [
      [{ ...BODY, currency: 'CHF' }, 'currency'],
      [{ ...BODY, items: [{ item: 'room.suite' }] }, 'items.0.item'],
      [{ ...BODY, discount_codes: ['NOPE'] }, 'discount_codes.0'],
    ];
    for (const [body, field] of priced) {
      const answer = await post(body);
      assert.deepEqual([answer.status, answer.json()['code']], [422, 'quote_not_priced']);
      assert.deepEqual(answer.errorFields(), [field]);
    }
    const card = await post({ ...BODY, items: [{ item: '4242424242424242' }] });
    assert.deepEqual([card.status, card.json()['code']], [422, 'card_data_not_allowed']);
  });

  test('503: when the database cuts the connection, and no quote is left', async () => {
    const asker = newMerchant();
    await stand.database.query('begin');
    await stand.database.query('lock table quotes in access exclusive mode');
    try {
      const asked = post(BODY, asker);
      await waitFor('the insert to wait for the lock', async () => {
        // Within a transaction the view stays as it was seen first.
        await stand.database.query('select pg_stat_clear_snapshot()');
        const { rowCount } = await stand.database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into quotes%'`,
        );
        return rowCount === 1 ? true : undefined;
      });
      const answer = await asked;
      assert.deepEqual([answer.status, answer.json()['code']], [503, 'unavailable']);
      assert.equal(answer.headers['retry-after'], '1');
    } finally {
      await stand.database.query('rollback');
    }
    const { rowCount } = await stand.database.query('select from quotes where merchant_id = $1', [
      asker.merchantId,
    ]);
    assert.equal(rowCount, 0);
  });
});

describe('GET /v1/quotes/:id', () => {
  test('404: another hotel’s, the other mode’s, an unknown and a malformed id, all alike', async () => {
    const id = String((await post(BODY)).json()['id']);
    const asked: [string, Parameters<Stand['call']>[1]][] = [
      [id, { as: newMerchant() }],
      [id, { as: { ...hotel, mode: 'live' } }],
      [toPublicId('quo', newUuid()), { as: hotel }],
      [id.replace('quo', 'pay'), { as: hotel }],
      ['x', { as: hotel }],
    ];
    const bodies = new Set<string>();
    for (const [path, call] of asked) {
      const answer = await stand.call(`/v1/quotes/${path}`, call);
      assert.equal(answer.status, 404);
      bodies.add(JSON.stringify({ ...answer.json(), request_id: '' }));
    }
    assert.equal(bodies.size, 1);
  });

  test('400, 401, 403, 405, 422', async () => {
    const id = String((await post(BODY)).json()['id']);
    assert.equal((await stand.call(`/v1/quotes/${id}?x=1`, { as: hotel })).status, 400);
    assert.equal((await stand.call(`/v1/quotes/${id}`, { as: null })).status, 401);
    const writer = { ...hotel, scopes: ['payments:write'] };
    assert.equal((await stand.call(`/v1/quotes/${id}`, { as: writer })).status, 403);
    assert.equal((await stand.call(`/v1/quotes/${id}`, { as: hotel, method: 'DELETE' })).status, 405);
    assert.equal((await stand.call('/v1/quotes/4242424242424242', { as: hotel })).status, 422);
  });

  test('without naming a hotel the service’s own role sees no quote at all', async () => {
    await post(BODY);
    const { rows } = await stand.database.query<{ forced: boolean }>(
      `select relrowsecurity and relforcerowsecurity as forced from pg_class where relname = 'quotes'`,
    );
    assert.deepEqual(rows, [{ forced: true }]);
    await stand.database.query('begin; set local role "payment-api"');
    const seen = async () =>
      Number((await stand.database.query<{ count: string }>('select count(*) from quotes')).rows[0]?.count);
    try {
      assert.equal(await seen(), 0);
      await stand.database.query(`select set_config('centra.merchant_id', $1, true)`, [hotel.merchantId]);
      assert.ok((await seen()) > 0);
      await stand.database.query(`select set_config('centra.merchant_id', $1, true)`, [newUuid()]);
      assert.equal(await seen(), 0);
    } finally {
      await stand.database.query('rollback');
    }
  });
});

describe('PaymentService.GetQuote', () => {
  const REQUEST: GetQuoteRequest = {
    currency: 'EUR',
    items: [
      { item: 'room.double', quantity: 0, checkIn: '2026-11-01', checkOut: '2026-11-04', nights: 0 },
      { item: 'breakfast', quantity: 2, checkIn: '', checkOut: '', nights: 3 },
    ],
    discountCodes: [],
    guests: 2,
  };

  async function getQuote(changes: Partial<GetQuoteRequest> = {}, key = 'ck_test_hotel') {
    const metadata = new Metadata();
    if (key !== '') metadata.set('authorization', `Bearer ${key}`);
    const options = { metadata, deadlineMs: DEADLINE_MS };
    return await callUnary(client.getQuote.bind(client), { ...REQUEST, ...changes }, options);
  }

  async function refused(changes: Partial<GetQuoteRequest>, key?: string) {
    try {
      await getQuote(changes, key);
    } catch (error) {
      if (!isServiceError(error)) throw error;
      const { code, errors } = fromServiceError(error);
      return [error.code, code, errors[0]?.field];
    }
    throw new assert.AssertionError({ message: 'it was quoted' });
  }

  test('the same quote as over HTTP, with the same hash', async () => {
    const [quote, answer] = await Promise.all([getQuote(), post(BODY)]);
    assert.equal(quote.hash, answer.json()['hash']);
    assert.deepEqual(quote.total, { amountMinor: 46_500n, currency: 'EUR' });
    assert.deepEqual([quote.subtotalMinor, quote.discountMinor, quote.taxMinor], [45_000n, 0n, 5_591n]);
    assert.deepEqual(quote.lines[1], {
      kind: 'item',
      code: 'room.double',
      description: 'Double room',
      quantity: 1,
      nights: 3,
      unitMinor: 12_000n,
      amountMinor: 36_000n,
      included: false,
    });
    assert.equal(Number(quote.expiresAt) - Number(quote.createdAt), 30 * 60_000);
    const read = await stand.call(`/v1/quotes/${quote.quoteId}`, { as: hotel });
    assert.equal(read.json()['hash'], quote.hash);
  });

  test('INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED and FAILED_PRECONDITION', async () => {
    const { INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, FAILED_PRECONDITION } = grpcStatus;
    assert.deepEqual(await refused({ items: [] }), [INVALID_ARGUMENT, 'validation_failed', 'items']);
    assert.deepEqual(await refused({ guests: -1 }), [INVALID_ARGUMENT, 'validation_failed', 'guests']);
    assert.deepEqual(await refused(requestOf({ quantity: -1 })), [
      INVALID_ARGUMENT,
      'validation_failed',
      'items.0.quantity',
    ]);
    assert.deepEqual(await refused(requestOf({ checkIn: '1.3.2026' })), [
      INVALID_ARGUMENT,
      'validation_failed',
      'items.0.check_in',
    ]);
    assert.deepEqual(await refused(requestOf({ item: '4242424242424242' })), [
      INVALID_ARGUMENT,
      'card_data_not_allowed',
      'items[0].item',
    ]);
    assert.deepEqual(await refused(requestOf({ item: 'spa' })), [
      FAILED_PRECONDITION,
      'quote_not_priced',
      'items.0.item',
    ]);
    assert.deepEqual(await refused({ currency: 'CHF' }), [
      FAILED_PRECONDITION,
      'quote_not_priced',
      'currency',
    ]);
    assert.deepEqual(await refused({}, ''), [UNAUTHENTICATED, 'unauthenticated', undefined]);
    assert.deepEqual(await refused({}, 'ck_test_nobody'), [UNAUTHENTICATED, 'unauthenticated', undefined]);
    assert.deepEqual(await refused({}, 'ck_test_reader'), [PERMISSION_DENIED, 'forbidden', undefined]);
  });
});

/** A request for one item. */
function requestOf(changes: object) {
  return {
    items: [{ item: 'breakfast', quantity: 1, checkIn: '', checkOut: '', nights: 1, ...changes }],
  };
}
