import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';
import { paymentListSchema } from './list-payments.ts';
import { toCursor } from '../page.ts';

describe('GET /v1/payments', () => {
  let stand: Stand;
  const hotel = newMerchant();
  const searcher = newMerchant();
  const ids: string[] = [];
  before(async () => {
    stand = await startWithDoubles();
    const tokens = ['tok_succeeds', 'tok_processing', 'tok_fails_lost_card', 'tok_challenge', 'tok_succeeds'];
    for (const [index, card_token] of tokens.entries()) {
      const body = chargeBody({ card_token, booking_reference: index < 2 ? 'BK-A & B' : 'BK-C' });
      const answer = await stand.charge(`list-${index}`, body, { as: hotel });
      const [, id] = /"id":"(pay_\w+)"/.exec(answer.bytes.toString()) ?? [];
      ids.unshift(id ?? 'no payment');
    }
    await stand.charge('foreign', chargeBody(), { as: newMerchant() });
    await stand.charge('live', chargeBody(), {
      as: newMerchant({ merchantId: hotel.merchantId, mode: 'live' }),
    });
  });
  after(async () => await stand.close());

  test('200: a hotel sees its own payments of its mode, newest first, and nobody else’s', async () => {
    const page = await list('');
    assert.deepEqual(page.ids, ids);
    assert.equal(page.hasMore, false);
    assert.equal(page.cursor, null);
    assert.deepEqual((await list('', newMerchant())).ids, []);
  });

  test('200: pages follow each other without gap or repetition', async () => {
    const seen: string[] = [];
    let query = '?limit=2';
    for (let pages = 1; ; pages += 1) {
      const page = await list(query);
      seen.push(...page.ids);
      if (page.cursor === null) {
        assert.equal(pages, 3);
        break;
      }
      query = `?limit=2&cursor=${page.cursor}`;
    }
    assert.deepEqual(seen, ids);
  });

  test('200: filters narrow the list', async () => {
    const [newest, , , , oldest] = ids;
    assert.deepEqual((await list('?status=failed')).ids, [ids[2]]);
    assert.deepEqual((await list('?status=succeeded')).ids, [newest, oldest]);
    assert.deepEqual((await list('?status=processing')).ids, [ids[3]]);
    assert.deepEqual((await list('?status=requires_action')).ids, [ids[1]]);
    assert.deepEqual((await list(`?booking_reference=${encodeURIComponent('BK-A & B')}`)).ids, [
      ids[3],
      oldest,
    ]);
    assert.deepEqual((await list('?created_before=2020-01-01T00:00:00Z')).ids, []);
    assert.deepEqual((await list('?created_from=2020-01-01T00:00:00%2B01:00')).ids, ids);
    assert.deepEqual(
      (await list('?created_from=2020-01-01T00:00:00Z&created_before=2020-01-02T00:00:00.5Z')).ids,
      [],
    );
  });

  test('200: each search parameter reaches transaction as what it means', async () => {
    const guest = { name: 'Zoë Search', email: 'Zoe@example.net' };
    const body = chargeBody({ amount: 777, currency: 'USD', guest, booking_reference: 'Search/1' });
    const made = await stand.charge('search', body, { as: searcher });
    await stand.charge('other', chargeBody(), { as: searcher });
    const id = String(made.json()['id']);
    const reference = String(made.json()['provider_reference']);
    for (const query of [
      `provider_reference=${reference}`,
      'guest_email=zoe@EXAMPLE.net',
      'amount=777&currency=USD',
      'currency=USD',
      'query=search%2F',
      `query=${encodeURIComponent('ZOË')}`,
      `query=${id}`,
      `query=${reference}`,
      'query=zoe@&capture_method=automatic&card_last4=4242&status=succeeded',
    ])
      assert.deepEqual((await list(`?${query}`, searcher)).ids, [id], query);
    for (const query of [
      'card_last4=0000',
      'amount=777&currency=EUR',
      'capture_method=manual',
      'query=nobody',
    ])
      assert.deepEqual((await list(`?${query}`, searcher)).ids, [], query);
    assert.equal((await list('?capture_method=automatic', searcher)).ids.length, 2);
  });

  test('200: another hotel’s payment as a cursor shows nothing of it', async () => {
    const foreign = newMerchant();
    const answer = await stand.charge('cursor', chargeBody(), { as: foreign });
    const page = await list(`?cursor=${toCursor(String(answer.json()['id']))}`);
    assert.deepEqual(page.ids, ids);
  });

  test('400: bad, unknown and repeated parameters name themselves', async () => {
    const id = ids[0] ?? '';
    const refused: [string, string][] = [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=1000000', 'limit'],
      ['limit=-1', 'limit'],
      ['limit=1.5', 'limit'],
      ['limit=1e1', 'limit'],
      ['limit=', 'limit'],
      ['status=paid', 'status'],
      ['status=', 'status'],
      ['booking_reference=', 'booking_reference'],
      ['booking_reference=a%0Ab', 'booking_reference'],
      [`booking_reference=${'a'.repeat(65)}`, 'booking_reference'],
      ['created_from=yesterday', 'created_from'],
      ['created_from=2026-03-01', 'created_from'],
      ['created_from=2026-03-01T00:00:00', 'created_from'],
      ['created_before=2026-02-30T00:00:00Z', 'created_before'],
      ['cursor=', 'cursor'],
      ['cursor=x', 'cursor'],
      [`cursor=${id}`, 'cursor'],
      [`cursor=${toCursor(id)}%20`, 'cursor'],
      [`cursor=${toCursor(id)}=`, 'cursor'],
      [`cursor=${toCursor(`${id}'`)}`, 'cursor'],
      [`cursor=${'a'.repeat(10_000)}`, 'cursor'],
      ['provider_reference=', 'provider_reference'],
      ['guest_email=zoe', 'guest_email'],
      ['card_last4=424', 'card_last4'],
      ['card_last4=424x', 'card_last4'],
      ['amount=1.5', 'amount'],
      ['amount=0', 'amount'],
      ['amount=-1', 'amount'],
      ['amount=9007199254740992', 'amount'],
      ['currency=eur', 'currency'],
      ['capture_method=later', 'capture_method'],
      ['query=ab', 'query'],
      [`query=${'a'.repeat(101)}`, 'query'],
      ['query=a%0Abc', 'query'],
      ['merchant_id=x', 'merchant_id'],
      ['Limit=5', 'Limit'],
      ['limit=5&limit=6', 'limit'],
    ];
    for (const [query, field] of refused) {
      const answer = await stand.call(`/v1/payments?${query}`, { as: hotel });
      assert.equal(answer.status, 400, query);
      assert.deepEqual(answer.errorFields(), [field], query);
    }
  });

  test('401, 403, 405, 422: no identity, no scope, another method, a card number', async () => {
    assert.equal((await stand.call('/v1/payments', { as: null })).status, 401);
    assert.equal((await stand.call('/v1/payments', { as: newMerchant({ scopes: [] }) })).status, 403);
    assert.equal((await stand.call('/v1/payments', { method: 'DELETE' })).status, 405);
    const card = await stand.call('/v1/payments?booking_reference=4242+4242+4242+4242');
    assert.equal(card.status, 422);
    assert.equal(card.json()['code'], 'card_data_not_allowed');
  });

  test('a page of 100 payments with the most metadata there can be arrives', async () => {
    const heavy = newMerchant();
    const metadata = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`key-${index}`, '山'.repeat(500)]),
    );
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const answer = await stand.charge(`heavy-${index}`, chargeBody({ metadata }), { as: heavy });
        assert.equal(answer.status, 201);
      }),
    );
    assert.equal((await list('?limit=100', heavy)).ids.length, 100);
  });

  async function list(query: string, as: Identity = hotel) {
    const answer = await stand.call(`/v1/payments${query}`, { as });
    assert.equal(answer.status, 200, answer.bytes.toString());
    const page = paymentListSchema.strict().parse(answer.json());
    return { ids: page.data.map((payment) => payment.id), hasMore: page.has_more, cursor: page.next_cursor };
  }
});
