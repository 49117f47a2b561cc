import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { ListMembershipsRequest, ListMembershipsResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { DEADLINE_MS, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { addPerson, asMember, newHotel, setMember } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

async function list(
  wanted: Partial<ListMembershipsRequest>,
  caller = 'merchant',
): Promise<ListMembershipsResponse> {
  const client = service.client(caller);
  return await callUnary(
    client.listMemberships.bind(client),
    { userId: '', limit: 100, afterMerchantId: '', ...wanted },
    { metadata: callMetadata('req-memberships'), deadlineMs: DEADLINE_MS },
  );
}

test('a person’s hotels in the order of their ids, with role and suspension, and nobody else’s', async () => {
  const hotel = await newHotel(service);
  const person = await addPerson(service);
  const other = await newHotel(service);
  const role = await asMember(service, other.merchantId, other.owner)
    .post('/v1/roles')
    .send({ name: 'Desk', permissions: ['payments:read'] });
  await setMember(service, other.merchantId, person, role.body.id);
  await setMember(service, hotel.merchantId, person, 'manager');
  assert.deepEqual(await list({ userId: person.userId }), {
    memberships: [
      { merchantId: hotel.merchantId, role: 'manager', suspended: false },
      { merchantId: other.merchantId, role: role.body.id, suspended: false },
    ].toSorted((a, b) => (a.merchantId < b.merchantId ? -1 : 1)),
    hasMore: false,
  });
});

test('suspended is whoever may not enter: the member or the whole hotel', async () => {
  const [hotel, other] = [await newHotel(service), await newHotel(service)];
  const person = await addPerson(service);
  for (const { merchantId } of [hotel, other]) await setMember(service, merchantId, person, 'staff');
  await asMember(service, hotel.merchantId, hotel.owner)
    .post(`/v1/users/${person.userId}/suspend`)
    .expect(200);
  const suspendedOf = async () =>
    new Map(
      (await list({ userId: person.userId })).memberships.map((each) => [each.merchantId, each.suspended]),
    );
  assert.deepEqual(
    await suspendedOf(),
    new Map([
      [hotel.merchantId, true],
      [other.merchantId, false],
    ]),
  );
  const client = service.client('merchant');
  await callUnary(
    client.setMerchantAccess.bind(client),
    { merchantId: other.merchantId, suspended: true, reason: 'closed', actor: 'service:merchant' },
    { metadata: callMetadata('req-access'), deadlineMs: DEADLINE_MS },
  );
  assert.ok([...(await suspendedOf()).values()].every(Boolean));
});

test('pages hold each hotel once, from the last one on', async () => {
  const person = await addPerson(service);
  const hotels = Array.from({ length: 5 }, () => newUuid()).toSorted();
  for (const merchantId of hotels) await setMember(service, merchantId, person, 'owner');
  const seen: string[] = [];
  let page: ListMembershipsResponse;
  do {
    page = await list({ userId: person.userId, limit: 2, afterMerchantId: seen.at(-1) ?? '' });
    assert.ok(page.memberships.length <= 2);
    seen.push(...page.memberships.map(({ merchantId }) => merchantId));
  } while (page.hasMore);
  assert.deepEqual(seen, hotels);
});

test('empty for somebody unknown and for what is no person', async () => {
  for (const userId of [toPublicId('usr', newUuid()), 'usr_1', ''])
    assert.deepEqual(await list({ userId }), { memberships: [], hasMore: false });
});

test('INVALID_ARGUMENT for a limit that is none and a hotel that is none', async () => {
  const { owner } = await newHotel(service);
  for (const wrong of [{ limit: 0 }, { limit: 101 }, { limit: -1 }, { afterMerchantId: 'mer_1' }])
    await assert.rejects(
      list({ userId: owner.userId, ...wrong }),
      { code: grpcStatus.INVALID_ARGUMENT },
      JSON.stringify(wrong),
    );
});

test('PERMISSION_DENIED to every service but merchant', async () => {
  const { owner } = await newHotel(service);
  for (const caller of ['api-gateway', 'payment-api', 'transaction', 'operator'])
    await assert.rejects(list({ userId: owner.userId }, caller), { code: grpcStatus.PERMISSION_DENIED });
});
