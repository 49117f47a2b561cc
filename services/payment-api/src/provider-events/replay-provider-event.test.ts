import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { newEvent } from '../testing/operators-objects.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Call, Stand } from '../testing/start-with-doubles.ts';
import { providerEventSchema } from './provider-event.ts';

const scopes = ['operations:settle'];
const staff = newMerchant({ scopes });
const event = newEvent({ state: 'parked', reason: 'the provider could not be asked' });

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
  const owned = { merchantId: staff.merchantId, mode: Mode.MODE_TEST, it: event };
  stand.transaction.operators.events.push(owned);
});
after(async () => await stand.close());

const replay = async (id: string, as: Identity | null = staff, call: Call = {}): Promise<Answer> =>
  await stand.call(`/v1/provider-events/${id}/replay`, { method: 'POST', as, ...call });

test('202: it waits for its turn again, and who asked is told to transaction; a body is not needed', async () => {
  for (const body of [undefined, {}]) {
    const answer = await replay(event.eventId, staff, { body });
    assert.equal(answer.status, 202);
    const json = providerEventSchema.strict().parse(answer.json());
    assert.deepEqual([json.id, json.state], [event.eventId, 'received']);
    const { origin } = stand.transaction.operators.replayed.at(-1) ?? {};
    assert.deepEqual(
      [origin?.actor, origin?.address, origin?.requestId],
      [staff.actor, '203.0.113.7', answer.headers['x-request-id']],
    );
  }
});

describe('refused, and nothing is processed again', () => {
  test('400: a body with anything in it, no JSON, and a query', async () => {
    assert.deepEqual((await replay(event.eventId, staff, { body: { force: true } })).errorFields(), [
      'force',
    ]);
    assert.equal((await replay(event.eventId, staff, { body: Buffer.from('{') })).status, 400);
    assert.equal(
      (await stand.call(`/v1/provider-events/${event.eventId}/replay?a=1`, { method: 'POST', as: staff }))
        .status,
      400,
    );
  });

  test('401 and 403: no identity, and whoever may only look', async () => {
    assert.equal((await replay(event.eventId, null)).status, 401);
    const reader = newMerchant({ merchantId: staff.merchantId, scopes: ['operations:read'] });
    const answer = await replay(event.eventId, reader);
    assert.deepEqual([answer.status, answer.json()['required_scope']], [403, 'operations:settle']);
  });

  test('404: another hotel’s event, the other mode’s, an unknown one, and what is no event id', async () => {
    const live = newMerchant({ merchantId: staff.merchantId, mode: 'live', scopes });
    for (const [id, as] of [
      [event.eventId, newMerchant({ scopes })],
      [event.eventId, live],
      [toPublicId('pev', newUuid()), staff],
      [toPublicId('pay', newUuid()), staff],
      ['x', staff],
    ] as const)
      assert.equal((await replay(id, as)).status, 404, id);
  });

  test('405 and 503', async () => {
    const path = `/v1/provider-events/${event.eventId}/replay`;
    assert.equal((await stand.call(path, { as: staff })).status, 405);
    stand.transaction.operators.faults.push(new AppError('unavailable'));
    assert.equal((await replay(event.eventId)).status, 503);
  });
});
