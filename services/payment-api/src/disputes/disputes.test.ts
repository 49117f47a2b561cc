import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { toCursor } from '../page.ts';
import { newDispute } from '../testing/operators-objects.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';
import { disputeSchema } from './dispute.ts';
import { disputeListSchema } from './list-disputes.ts';

const PATH = '/v1/disputes';
const hotel = newMerchant({ scopes: ['payments:read'] });
const otherPayment = toPublicId('pay', newUuid());
const disputes = [
  newDispute(),
  newDispute({ status: 'lost', evidenceDueAt: undefined, reason: '', paymentId: otherPayment }),
  newDispute({ status: 'under_review', inquiry: true, amount: { amountMinor: 1_000n, currency: 'JPY' } }),
];
const ids = disputes.map(({ disputeId }) => disputeId).toReversed();
const [oldest] = disputes;
const foreign = newDispute();

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
  const { merchantId } = hotel;
  stand.transaction.operators.disputes.push(
    ...disputes.map((it) => ({ merchantId, mode: Mode.MODE_TEST, it })),
    { merchantId, mode: Mode.MODE_LIVE, it: newDispute() },
    { merchantId: newMerchant().merchantId, mode: Mode.MODE_TEST, it: foreign },
  );
});
after(async () => await stand.close());

const list = async (query: string, as: Identity = hotel) => {
  const answer = await stand.call(`${PATH}${query}`, { as });
  assert.equal(answer.status, 200, answer.bytes.toString());
  return disputeListSchema.strict().parse(answer.json());
};
const idsOf = async (query: string) => (await list(query)).data.map(({ id }) => id);

describe('GET /v1/disputes', () => {
  test('200: a hotel sees its own of its mode, newest first, and nobody else’s', async () => {
    assert.deepEqual(await idsOf(''), ids);
    assert.deepEqual((await list('', newMerchant())).data, []);
  });

  test('200: pages follow each other; status and payment narrow the list', async () => {
    const first = await list('?limit=2');
    assert.equal(first.has_more, true);
    assert.deepEqual(
      [...first.data.map(({ id }) => id), ...(await idsOf(`?limit=2&cursor=${first.next_cursor}`))],
      ids,
    );
    assert.deepEqual(await idsOf('?status=open'), [ids[2]]);
    assert.deepEqual(await idsOf('?status=under_review'), [ids[0]]);
    assert.deepEqual(await idsOf(`?payment_id=${otherPayment}`), [ids[1]]);
    assert.deepEqual(await idsOf(`?payment_id=${otherPayment}&status=won`), []);
  });

  test('400 by name', async () => {
    const refused: [string, string][] = [
      ['limit=x', 'limit'],
      ['status=maybe', 'status'],
      ['payment_id=x', 'payment_id'],
      [`payment_id=${ids[0]}`, 'payment_id'],
      [`cursor=${toCursor(otherPayment)}`, 'cursor'],
      ['merchant_id=x', 'merchant_id'],
    ];
    for (const [query, field] of refused) {
      const answer = await stand.call(`${PATH}?${query}`, { as: hotel });
      assert.deepEqual([answer.status, answer.errorFields()], [400, [field]], query);
    }
  });
});

describe('GET /v1/disputes/:id', () => {
  test('200: in its public form', async () => {
    const answer = await stand.call(`${PATH}/${oldest?.disputeId}`, { as: hotel });
    assert.equal(answer.status, 200);
    assert.deepEqual(disputeSchema.strict().parse(answer.json()), {
      id: oldest?.disputeId,
      object: 'dispute',
      payment_id: 'pay_01jd4qv8e2f5tb3y9k7m1n6p0r',
      amount: 12_050,
      currency: 'EUR',
      status: 'open',
      provider_status: 'needs_response',
      reason: 'fraudulent',
      inquiry: false,
      provider_reference: 'dp_1Example',
      evidence_due_at: '2026-03-01T09:31:00.000Z',
      created_at: '2026-03-01T09:30:00.000Z',
      updated_at: '2026-03-01T09:31:00.000Z',
    });
    const lost = await stand.call(`${PATH}/${ids[1]}`, { as: hotel });
    assert.deepEqual([lost.json()['reason'], lost.json()['evidence_due_at']], [null, null]);
  });

  test('404: another hotel’s, the other mode’s, an unknown one, and what is no dispute id', async () => {
    const live = newMerchant({ merchantId: hotel.merchantId, mode: 'live' });
    for (const [id, as] of [
      [foreign.disputeId, hotel],
      [ids[0] ?? '', live],
      [toPublicId('dis', newUuid()), hotel],
      [otherPayment, hotel],
      ['x', hotel],
    ] as const)
      assert.equal((await stand.call(`${PATH}/${id}`, { as })).status, 404, id);
  });

  test('400: a query', async () => {
    assert.equal((await stand.call(`${PATH}/${ids[0]}?a=1`, { as: hotel })).status, 400);
  });
});

test('401, 403, 405, 503 of both', async () => {
  for (const path of [PATH, `${PATH}/${ids[0]}`]) {
    assert.equal((await stand.call(path, { as: null })).status, 401);
    const without = await stand.call(path, { as: newMerchant({ scopes: ['payments:write'] }) });
    assert.deepEqual([without.status, without.json()['required_scope']], [403, 'payments:read']);
    assert.equal((await stand.call(path, { as: hotel, method: 'POST' })).status, 405);
    stand.transaction.operators.faults.push(new AppError('unavailable'));
    assert.equal((await stand.call(path, { as: hotel })).status, 503);
  }
});
