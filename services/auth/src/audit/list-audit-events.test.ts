import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import type {
  AuditEvent,
  ListAuditEventsRequest,
  ListAuditEventsResponse,
} from '@centra/proto/centra/auth/v1/auth.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { DEADLINE_MS, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asMember, newHotel } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

async function list(
  wanted: Partial<ListAuditEventsRequest>,
  caller = 'merchant',
): Promise<ListAuditEventsResponse> {
  const client = service.client(caller);
  return await callUnary(
    client.listAuditEvents.bind(client),
    {
      merchantId: '',
      limit: 100,
      beforeSequence: 0n,
      actor: '',
      action: '',
      objectId: '',
      from: undefined,
      to: undefined,
      ...wanted,
    },
    { metadata: callMetadata('req-audit'), deadlineMs: DEADLINE_MS },
  );
}

/** A hotel to which everything that is audited happens once. */
async function busyHotel() {
  const hotel = await newHotel(service);
  const caller = asMember(service, hotel.merchantId, hotel.owner);
  const role = await caller.post('/v1/roles').send({ name: 'Desk « é »', permissions: ['payments:read'] });
  await caller.post(`/v1/roles/${role.body.id}`).send({ name: 'Réception' }).expect(200);
  await caller.post(`/v1/users/${hotel.staff.userId}/role`).send({ role: role.body.id }).expect(200);
  await caller.post(`/v1/users/${hotel.staff.userId}/suspend`).expect(200);
  await caller.delete(`/v1/users/${hotel.staff.userId}`).expect(204);
  await caller
    .post('/v1/api-keys')
    .send({ name: 'Key', scopes: ['payments:read'] })
    .expect(201);
  await asMember(service, hotel.merchantId, hotel.staff, 'staff').get('/v1/users').expect(403);
  return { ...hotel, caller, role: String(role.body.id) };
}

test('each event is as it is stored, newest first: a reader who has the page can check the chain', async () => {
  const { merchantId } = await busyHotel();
  const { events, hasMore } = await list({ merchantId });
  assert.equal(hasMore, false);
  assert.ok(events.length >= 11);
  assert.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_, index) => BigInt(events.length - index)),
  );
  for (const [index, event] of events.entries()) {
    const older = events[index + 1];
    assert.deepEqual(event.previousHash, older?.hash ?? Buffer.alloc(0));
    // Hashed from what was answered and nothing else.
    assert.deepEqual(await hashOf(merchantId, event), event.hash, event.action);
    assert.match(event.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  }
});

async function hashOf(merchantId: string, event: AuditEvent): Promise<unknown> {
  const { before: from, after: to, details } = event;
  const all = {
    ...(details === '' ? {} : JSON.parse(details)),
    ...(from === '' ? {} : { before: JSON.parse(from) }),
    ...(to === '' ? {} : { after: JSON.parse(to) }),
  };
  const [row] = await service.sql(
    `select audit_event_hash(row($1::uuid, $2::uuid, $3::bigint, $4::timestamptz, $5, $6, $7, $8, $9, $10::jsonb,
       $11::bytea, ''::bytea)::audit_events) as hash`,
    [
      merchantId,
      event.id,
      event.sequence,
      event.at,
      event.actor,
      event.action,
      event.objectId,
      event.requestId,
      event.address,
      JSON.stringify(all),
      event.previousHash,
    ],
  );
  return row?.['hash'];
}

test('changes of roles, people and security say what was before and after; the rest is in the details', async () => {
  const { merchantId, staff, role } = await busyHotel();
  const client = service.client('operator');
  for (const suspended of [true, false])
    await callUnary(
      client.setMerchantAccess.bind(client),
      { merchantId, suspended, reason: 'chargebacks', actor: 'service:operator' },
      { metadata: callMetadata('req-access'), deadlineMs: DEADLINE_MS },
    );
  const { events } = await list({ merchantId });
  const of = (action: string) => {
    const event = events.find((each) => each.action === action);
    assert.ok(event, action);
    return [event.objectId, event.before, event.after, event.details].map((text) =>
      /^[{[]/.test(text) ? JSON.parse(text) : text,
    );
  };
  assert.deepEqual(of('role.updated'), [
    role,
    { name: 'Desk « é »', permissions: ['payments:read'] },
    { name: 'Réception', permissions: ['payments:read'] },
    '',
  ]);
  assert.deepEqual(of('member.role_changed'), [staff.userId, { role: 'staff' }, { role }, '']);
  assert.deepEqual(of('member.suspended'), [
    staff.userId,
    { suspended: false },
    { suspended: true },
    { role },
  ]);
  assert.deepEqual(of('member.removed'), [staff.userId, { role, suspended: true }, '', '']);
  assert.deepEqual(of('merchant.suspended'), [
    toPublicId('mer', merchantId),
    { suspended: false },
    { suspended: true },
    { reason: 'chargebacks' },
  ]);
  assert.deepEqual(of('merchant.restored').slice(1, 3), [{ suspended: true }, { suspended: false }]);
  const [, before_, after_, details] = of('api_key.created');
  assert.deepEqual([before_, after_, details.name], ['', '', 'Key']);
});

test('filters are exact and combine', async () => {
  const { merchantId, owner, staff } = await busyHotel();
  const all = (await list({ merchantId })).events;
  const actor = `user:${owner.userId}`;
  const filters: [Partial<ListAuditEventsRequest>, (event: AuditEvent) => boolean][] = [
    [{ actor }, (event) => event.actor === actor],
    [{ action: 'member.added' }, (event) => event.action === 'member.added'],
    [{ objectId: staff.userId }, (event) => event.objectId === staff.userId],
    [
      { actor, action: 'member.suspended', objectId: staff.userId },
      (event) => event.actor === actor && event.action === 'member.suspended',
    ],
    [{ beforeSequence: 4n }, (event) => event.sequence < 4n],
  ];
  for (const [filter, keeps] of filters) {
    const wanted = all.filter(keeps);
    assert.ok(wanted.length > 0 && wanted.length < all.length);
    assert.deepEqual((await list({ merchantId, ...filter })).events, wanted);
  }
  for (const filter of [{ actor: 'user' }, { action: 'member.%' }, { objectId: staff.userId.toUpperCase() }])
    assert.deepEqual((await list({ merchantId, ...filter })).events, []);
});

test('from is inclusive and to is not', async () => {
  const { merchantId } = await newHotel(service);
  const all = (await list({ merchantId })).events;
  // Milliseconds, as a caller's clock has them: the event of that millisecond is after it.
  const at = new Date(all[1]?.at ?? '');
  const within = (from: Date | undefined, to: Date | undefined) => list({ merchantId, from, to });
  const later = (await within(at, undefined)).events;
  const earlier = (await within(undefined, at)).events;
  assert.ok(later.some(({ sequence }) => sequence === all[1]?.sequence));
  assert.ok(earlier.every(({ sequence }) => sequence !== all[1]?.sequence));
  assert.deepEqual([...later, ...earlier], all);
  assert.deepEqual((await within(at, at)).events, []);
});

test('pages hold each event once', async () => {
  const { merchantId } = await busyHotel();
  const all = (await list({ merchantId })).events;
  const seen: AuditEvent[] = [];
  let page: ListAuditEventsResponse;
  do {
    page = await list({ merchantId, limit: 3, beforeSequence: seen.at(-1)?.sequence ?? 0n });
    seen.push(...page.events);
    assert.equal(page.hasMore, seen.length < all.length);
  } while (page.hasMore);
  assert.deepEqual(seen, all);
});

test('another hotel’s events are never among them, and an unknown hotel has none', async () => {
  const [mine, theirs] = [await busyHotel(), await busyHotel()];
  const { events } = await list({ merchantId: mine.merchantId });
  const foreign = new Set((await list({ merchantId: theirs.merchantId })).events.map(({ id }) => id));
  assert.ok(events.every(({ id }) => !foreign.has(id)));
  assert.deepEqual(await list({ merchantId: mine.merchantId, objectId: theirs.staff.userId }), {
    events: [],
    hasMore: false,
  });
  assert.deepEqual(await list({ merchantId: newUuid() }), { events: [], hasMore: false });
});

test('INVALID_ARGUMENT for a hotel or a limit that is none, PERMISSION_DENIED to every service but merchant', async () => {
  const { merchantId } = await newHotel(service);
  for (const wrong of [
    { merchantId: 'mer_1' },
    { limit: 0 },
    { limit: 101 },
    { beforeSequence: -1n },
    { actor: 'x'.repeat(201) },
  ])
    await assert.rejects(list({ merchantId, ...wrong }), { code: grpcStatus.INVALID_ARGUMENT });
  for (const caller of ['api-gateway', 'payment-api', 'operator'])
    await assert.rejects(list({ merchantId }, caller), { code: grpcStatus.PERMISSION_DENIED });
});
