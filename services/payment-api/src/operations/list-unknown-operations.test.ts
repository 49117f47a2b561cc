import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { toCursor } from '../page.ts';
import { newUnknownOperation } from '../testing/operators-objects.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';
import { listUnknownOperationsSchema, unknownOperationListSchema } from './list-unknown-operations.ts';
import { toState } from './unknown-operation.ts';

const PATH = '/v1/unknown-operations';
const staff = newMerchant({ scopes: ['operations:read'] });
const operations = [
  newUnknownOperation(),
  newUnknownOperation({ escalatedAt: undefined, kind: 'void', amount: undefined, origin: undefined }),
  newUnknownOperation({ kind: 'refund', providerReference: 're_1Example' }),
];
const ids = operations.map(({ operationId }) => operationId);

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
  const { merchantId } = staff;
  stand.transaction.operators.unknown.push(
    ...operations.map((it) => ({ merchantId, mode: Mode.MODE_TEST, it })),
    { merchantId, mode: Mode.MODE_LIVE, it: newUnknownOperation() },
    { merchantId: newMerchant().merchantId, mode: Mode.MODE_TEST, it: newUnknownOperation() },
  );
});
after(async () => await stand.close());

const list = async (query: string, as: Identity = staff) => {
  const answer = await stand.call(`${PATH}${query}`, { as });
  assert.equal(answer.status, 200, answer.bytes.toString());
  return unknownOperationListSchema.strict().parse(answer.json());
};

describe('200', () => {
  test('a hotel sees its own of its mode, oldest first, and nobody else’s', async () => {
    assert.deepEqual(
      (await list('')).data.map(({ id }) => id),
      ids,
    );
    assert.deepEqual((await list('', newMerchant({ scopes: ['operations:read'] }))).data, []);
  });

  test('each tells all that a person needs to ask the provider; what is not known is null', async () => {
    const [capture, released, refund] = (await list('')).data;
    assert.deepEqual(capture, {
      id: operations[0]?.operationId,
      object: 'unknown_operation',
      kind: 'capture',
      state: 'unknown',
      amount: 12_050,
      currency: 'EUR',
      payment_id: 'pay_01jd4qv8e2f5tb3y9k7m1n6p0r',
      booking_reference: 'BK-1',
      provider: 'stripe',
      provider_account: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d',
      provider_payment_reference: 'pi_3NqExample',
      provider_reference: null,
      provider_key: '0198a4c2-capture',
      how_to_find_out: 'In the Stripe dashboard, search for the payment.',
      reason: 'the answer was lost',
      attempts: 7,
      requested_by: 'api_key:key_01jd0000000000000000000000',
      request_id: 'req-0000-0001',
      created_at: '2026-03-01T09:30:00.000Z',
      last_tried_at: '2026-03-01T09:31:00.000Z',
      next_try_at: null,
      escalated_at: '2026-03-01T09:31:00.000Z',
    });
    assert.deepEqual(
      [released?.amount, released?.currency, released?.requested_by, released?.escalated_at],
      [null, null, null, null],
    );
    assert.equal(refund?.provider_reference, 're_1Example');
  });

  test('pages follow each other; only those that wait for a person when asked so', async () => {
    const first = await list('?limit=2');
    const second = await list(`?limit=2&cursor=${first.next_cursor}`);
    assert.deepEqual(
      [...first.data, ...second.data].map(({ id }) => id),
      ids,
    );
    assert.equal((await list('?escalated=true')).data.length, 2);
    assert.equal((await list('?escalated=false')).data.length, 3);
  });
});

test('every state of an operation has a word', () => {
  const words = Object.values(OperationState).flatMap((state) =>
    state === OperationState.OPERATION_STATE_UNSPECIFIED ? [] : [toState(state)],
  );
  assert.deepEqual(words, ['prepared', 'sent', 'succeeded', 'declined', 'unknown']);
  assert.throws(() => toState(OperationState.OPERATION_STATE_UNSPECIFIED));
});

describe('refused', () => {
  test('400 by name: bad, unknown and repeated parameters', async () => {
    const refused: [string, string][] = [
      ['limit=0', 'limit'],
      ['escalated=yes', 'escalated'],
      ['cursor=x', 'cursor'],
      [`cursor=${toCursor('pev_01jd0000000000000000000000')}`, 'cursor'],
      ['merchant_id=x', 'merchant_id'],
      ['escalated=true&escalated=true', 'escalated'],
    ];
    for (const [query, field] of refused) {
      const answer = await stand.call(`${PATH}?${query}`, { as: staff });
      assert.deepEqual([answer.status, answer.errorFields()], [400, [field]], query);
    }
    assert.ok(listUnknownOperationsSchema.safeParse({}).success);
  });

  test('401, 403, 405, 503', async () => {
    assert.equal((await stand.call(PATH, { as: null })).status, 401);
    const without = await stand.call(PATH, { as: newMerchant() });
    assert.deepEqual([without.status, without.json()['required_scope']], [403, 'operations:read']);
    assert.equal((await stand.call(PATH, { as: staff, method: 'DELETE' })).status, 405);
    stand.transaction.operators.faults.push(new AppError('unavailable'));
    assert.equal((await stand.call(PATH, { as: staff })).status, 503);
  });
});
