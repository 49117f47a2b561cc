import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { toCursor } from '../page.ts';
import { newEvent } from '../testing/operators-objects.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';
import { providerEventListSchema } from './list-provider-events.ts';

const PATH = '/v1/provider-events';
const staff = newMerchant({ scopes: ['operations:read'] });
const processedAt = new Date('2026-03-01T09:32:00Z');
const events = [
  newEvent(),
  newEvent({ state: 'processed', reason: '', paymentId: 'pay_01jd4qv8e2f5tb3y9k7m1n6p0r', processedAt }),
  newEvent({ state: 'parked', providerAccountId: '', objectReference: '' }),
];
const ids = events.map(({ eventId }) => eventId).toReversed();

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
  const { merchantId } = staff;
  stand.transaction.operators.events.push(
    ...events.map((it) => ({ merchantId, mode: Mode.MODE_TEST, it })),
    { merchantId, mode: Mode.MODE_LIVE, it: newEvent() },
    { merchantId: newMerchant().merchantId, mode: Mode.MODE_TEST, it: newEvent() },
  );
});
after(async () => await stand.close());

const list = async (query: string, as: Identity = staff) => {
  const answer = await stand.call(`${PATH}${query}`, { as });
  assert.equal(answer.status, 200, answer.bytes.toString());
  return providerEventListSchema.strict().parse(answer.json());
};

describe('200', () => {
  test('a hotel sees its own events of its mode, newest first, and nobody else’s', async () => {
    const page = await list('');
    assert.deepEqual(
      page.data.map(({ id }) => id),
      ids,
    );
    assert.deepEqual([page.has_more, page.next_cursor], [false, null]);
    assert.deepEqual((await list('', newMerchant({ scopes: ['operations:read'] }))).data, []);
  });

  test('each tells what and why; what is empty is null', async () => {
    const [parked, processed, unmatched] = (await list('')).data;
    assert.deepEqual(unmatched, {
      id: events[0]?.eventId,
      object: 'provider_event',
      provider: 'stripe',
      provider_account: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d',
      provider_event_id: 'evt_1Example',
      type: 'payment_intent.succeeded',
      state: 'unmatched',
      reason: 'no payment of ours',
      payment_id: null,
      object_reference: 'pi_3NqExample',
      attempts: 2,
      received_at: '2026-03-01T09:30:00.000Z',
      processed_at: null,
    });
    assert.deepEqual([parked?.provider_account, parked?.object_reference], [null, null]);
    assert.deepEqual(
      [processed?.payment_id, processed?.reason, processed?.processed_at],
      ['pay_01jd4qv8e2f5tb3y9k7m1n6p0r', null, processedAt.toISOString()],
    );
  });

  test('pages follow each other without gap or repetition, and a state narrows the list', async () => {
    const first = await list('?limit=2');
    const second = await list(`?limit=2&cursor=${first.next_cursor}`);
    assert.deepEqual(
      [...first.data, ...second.data].map(({ id }) => id),
      ids,
    );
    assert.deepEqual([first.has_more, second.has_more, second.next_cursor], [true, false, null]);
    assert.deepEqual(
      (await list('?state=parked')).data.map(({ state }) => state),
      ['parked'],
    );
  });
});

describe('refused', () => {
  test('400 by name: bad, unknown and repeated parameters', async () => {
    const refused: [string, string][] = [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['state=lost', 'state'],
      ['cursor=x', 'cursor'],
      [`cursor=${toCursor('op_01jd0000000000000000000000')}`, 'cursor'],
      ['merchant_id=x', 'merchant_id'],
      ['limit=5&limit=6', 'limit'],
    ];
    for (const [query, field] of refused) {
      const answer = await stand.call(`${PATH}?${query}`, { as: staff });
      assert.deepEqual([answer.status, answer.errorFields()], [400, [field]], query);
    }
  });

  test('401, 403, 405: no identity, only the scopes of payments, another method', async () => {
    assert.equal((await stand.call(PATH, { as: null })).status, 401);
    const without = await stand.call(PATH, { as: newMerchant() });
    assert.deepEqual([without.status, without.json()['required_scope']], [403, 'operations:read']);
    assert.equal((await stand.call(PATH, { as: staff, method: 'POST' })).status, 405);
  });

  test('503 while transaction cannot answer', async () => {
    stand.transaction.operators.faults.push(new AppError('unavailable'));
    assert.equal((await stand.call(PATH, { as: staff })).status, 503);
  });
});
