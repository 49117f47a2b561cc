import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import request from 'supertest';
import { DEADLINE_MS, asCaller, createFirstKey, startTestAuth, validate } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { addMember, addSession, asMember, auditOf, watchChanges } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const ON = { second_factor_required: true };
const OFF = { second_factor_required: false };

async function setAccess(
  wanted: { merchantId: string; suspended: boolean; reason?: string; actor?: string },
  caller = 'operator',
): Promise<void> {
  const client = service.client(caller);
  await callUnary(
    client.setMerchantAccess.bind(client),
    { reason: 'chargebacks', actor: 'service:operator', ...wanted },
    { metadata: callMetadata('req-access'), deadlineMs: DEADLINE_MS },
  );
}

async function heardOf(merchantId: string, change: () => Promise<unknown>): Promise<void> {
  const changes = await watchChanges(service);
  await change();
  await waitFor('the announcement', async () =>
    changes.heard.some((each) => each.$case === 'changedMerchantId' && each.value === merchantId)
      ? true
      : undefined,
  );
  changes.stop();
}

test('a second factor is required from a session that has one, recorded, announced, and taken back', async () => {
  const merchantId = newUuid();
  const owner = await addMember(service, merchantId, 'owner');
  const session = await addSession(service, owner, { withFactor: true });
  const caller = asMember(service, merchantId, owner, 'owner', session);
  assert.deepEqual((await caller.get('/v1/security')).body, OFF);
  await heardOf(merchantId, async () => {
    const answer = await caller.post('/v1/security').send(ON);
    assert.deepEqual([answer.status, answer.body], [200, ON]);
  });
  assert.deepEqual((await caller.post('/v1/security').send(ON)).body, ON);
  assert.deepEqual((await caller.get('/v1/security')).body, ON);
  await heardOf(merchantId, () => caller.post('/v1/security').send(OFF));
  assert.deepEqual((await caller.get('/v1/security')).body, OFF);
  const [, ...events] = await auditOf(service, merchantId);
  const common = {
    action: 'security.changed',
    actor: `user:${owner.userId}`,
    object_id: toPublicId('mer', merchantId),
  };
  assert.deepEqual(events, [
    { ...common, details: { before: OFF, after: ON } },
    { ...common, details: { before: ON, after: OFF } },
  ]);
});

test('400 for another field, 401 without identity, 403 without the permission and for an API key', async () => {
  const merchantId = newUuid();
  const owner = await addMember(service, merchantId, 'owner');
  const staff = await addMember(service, merchantId, 'staff');
  const caller = asMember(service, merchantId, owner);
  for (const body of [{}, { ...ON, merchant_id: newUuid() }, { second_factor_required: 'yes' }])
    assert.equal((await caller.post('/v1/security').send(body)).status, 400);
  assert.equal((await request(service.auth.httpUrl).get('/v1/security')).status, 401);
  assert.equal((await request(service.auth.httpUrl).post('/v1/security').send(OFF)).status, 401);
  assert.equal((await asMember(service, merchantId, staff, 'staff').get('/v1/security')).status, 403);
  for (const each of [
    asMember(service, merchantId, owner, ['security:read']),
    // The gateway's word is older than the change that took the permission away.
    asMember(service, merchantId, staff),
    asCaller(service, { merchantId, scopes: ['security:write'] }),
  ])
    assert.equal((await each.post('/v1/security').send(OFF)).status, 403);
});

test('409 from a session that has no second factor, has ended, is somebody else’s, or is none', async () => {
  const merchantId = newUuid();
  const owner = await addMember(service, merchantId, 'owner');
  const other = await addMember(service, merchantId, 'owner');
  const ended = await addSession(service, owner, { withFactor: true });
  await service.sql(`update sessions set ended_at = now(), ended_reason = 'revoked'`);
  for (const session of [
    await addSession(service, owner, { withFactor: false }),
    ended,
    await addSession(service, other, { withFactor: true }),
    toPublicId('ses', newUuid()),
    '',
  ]) {
    const answer = await asMember(service, merchantId, owner, 'owner', session).post('/v1/security').send(ON);
    assert.deepEqual([answer.status, answer.body.code], [409, 'state_conflict']);
  }
  assert.deepEqual((await asMember(service, merchantId, owner).get('/v1/security')).body, OFF);
});

test("one hotel's setting is not another's", async () => {
  const [mine, theirs] = [newUuid(), newUuid()];
  const owner = await addMember(service, mine, 'owner');
  const session = await addSession(service, owner, { withFactor: true });
  await asMember(service, mine, owner, 'owner', session).post('/v1/security').send(ON);
  const stranger = await addMember(service, theirs, 'owner');
  assert.deepEqual((await asMember(service, theirs, stranger).get('/v1/security')).body, OFF);
});

describe('SetMerchantAccess', () => {
  test('suspends keys and lets them in again, announced and recorded once each', async () => {
    const key = await createFirstKey(service);
    const { merchantId } = key;
    const changes = await watchChanges(service);
    for (const suspended of [true, false]) {
      for (let time = 0; time < 2; time += 1) await setAccess({ merchantId, suspended });
      assert.equal((await validate(service, key.secret)).suspended, suspended);
    }
    const mine = (): object[] => changes.heard.filter((each) => each.value === merchantId);
    await waitFor('both announcements', async () => (mine().length >= 2 ? true : undefined));
    assert.equal(mine().length, 2);
    changes.stop();
    const [, ...events] = await auditOf(service, merchantId);
    assert.deepEqual(
      events.map(({ action, details }) => [action, details]),
      [
        [
          'merchant.suspended',
          { reason: 'chargebacks', before: { suspended: false }, after: { suspended: true } },
        ],
        [
          'merchant.restored',
          { reason: 'chargebacks', before: { suspended: true }, after: { suspended: false } },
        ],
      ],
    );
  });

  test('a suspension leaves what the hotel requires as it is', async () => {
    const merchantId = newUuid();
    const owner = await addMember(service, merchantId, 'owner');
    const session = await addSession(service, owner, { withFactor: true });
    const caller = asMember(service, merchantId, owner, 'owner', session);
    await caller.post('/v1/security').send(ON);
    await setAccess({ merchantId, suspended: true });
    await setAccess({ merchantId, suspended: false });
    assert.deepEqual((await caller.get('/v1/security')).body, ON);
  });

  test('INVALID_ARGUMENT without a reason, PERMISSION_DENIED to services that do not onboard', async () => {
    const merchantId = newUuid();
    for (const reason of ['', '  ', 'x'.repeat(501)])
      await assert.rejects(setAccess({ merchantId, suspended: true, reason }), {
        code: grpcStatus.INVALID_ARGUMENT,
      });
    await assert.rejects(setAccess({ merchantId: 'x', suspended: true }), {
      code: grpcStatus.INVALID_ARGUMENT,
    });
    await assert.rejects(setAccess({ merchantId, suspended: true }, 'payment-api'), {
      code: grpcStatus.PERMISSION_DENIED,
    });
    assert.deepEqual(
      await service.sql('select 1 from merchant_access where merchant_id = $1', [merchantId]),
      [],
    );
  });
});
