import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  ListProviderEventsRequest,
  ListProviderEventsResponse,
  ProviderEvent,
  ReplayProviderEventRequest,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { callOptions, refusalOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { claimDueEvents, conclude, processed } from './pending-event.ts';
import { deskOf } from './test-payments.ts';
import {
  ageEvents,
  deliver,
  eventOfType,
  lookOnce,
  scopeOf,
  storedEvent,
  storedEvents,
  webhookOf,
  withNewId,
} from './test-webhooks.ts';
import type { StripeEvent } from './test-webhooks.ts';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  // Processed only when a test says so.
  service = await startTestService(world, { sweepIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});

async function list(
  hotel: Hotel | undefined,
  change: Partial<ListProviderEventsRequest> = {},
  caller = 'payment-api',
): Promise<ListProviderEventsResponse> {
  const client = service.clientOf(caller);
  return await callUnary(
    client.listProviderEvents.bind(client),
    {
      merchantId: hotel?.merchantId ?? '',
      mode: Mode.MODE_TEST,
      limit: 100,
      state: '',
      afterEventId: '',
      ...change,
    },
    callOptions(),
  );
}

async function replay(
  hotel: Hotel,
  eventId: string,
  change: Partial<ReplayProviderEventRequest> = {},
  caller = 'payment-api',
): Promise<ProviderEvent> {
  const client = service.clientOf(caller);
  return await callUnary(
    client.replayProviderEvent.bind(client),
    {
      ...scopeOf(hotel),
      eventId,
      origin: { actor: 'api_key:key_owner', requestId: 'req_replay', address: '192.0.2.9' },
      ...change,
    },
    callOptions(),
  );
}

type Told = { hotel: Hotel; paymentId: string; event: StripeEvent };

/** A hotel with one payment and the event of it, delivered and not looked at. */
async function told(change: Record<string, unknown> = {}): Promise<Told> {
  const hotel = await world.stripeHotel();
  const { paymentId } = await deskOf(world, service, hotel).sale();
  const event = withNewId(await eventOfType(world, hotel, 'payment_intent.succeeded'), change);
  await deliver(service, webhookOf(hotel, event));
  return { hotel, paymentId, event };
}

const idsOf = ({ events }: ListProviderEventsResponse): string[] =>
  events.map(({ providerEventId }) => providerEventId);

test('a stored event is shown with what it is about, where it is and why', async () => {
  const { hotel, paymentId, event } = await told();
  const [received] = (await list(hotel)).events;
  assert.deepEqual([received?.state, received?.paymentId, received?.attempts], ['received', '', 0]);
  await lookOnce(world, service, hotel);
  const [shown] = (await list(hotel)).events;
  assert.ok(shown?.receivedAt && shown.processedAt);
  const { eventId, receivedAt, processedAt, ...rest } = shown;
  assert.match(eventId, /^pev_[0-9a-z]{26}$/);
  assert.ok(receivedAt <= processedAt);
  assert.deepEqual(rest, {
    merchantId: hotel.merchantId,
    provider: 'stripe',
    providerAccountId: toPublicId('pa', hotel.providerAccountId),
    providerEventId: event.id,
    type: 'payment_intent.succeeded',
    state: 'processed',
    reason: 'the provider agrees',
    paymentId,
    attempts: 1,
    objectReference: event.data.object['id'],
  });
});

test('a list is newest first, by cursor and by state, and of one hotel and mode only', async () => {
  const { hotel, event } = await told();
  const { hotel: other } = await told();
  const later = [];
  for (let index = 0; index < 4; index += 1) {
    const one = withNewId(event, { id: `pi_unknown_${index}`, metadata: {} });
    await deliver(service, webhookOf(hotel, one));
    later.push(one.id);
  }
  const all = [...later.toReversed(), event.id];
  assert.deepEqual(idsOf(await list(hotel)), all);
  const first = await list(hotel, { limit: 2 });
  const second = await list(hotel, { limit: 3, afterEventId: first.events[1]?.eventId ?? '' });
  assert.deepEqual([...idsOf(first), ...idsOf(second)], all);
  assert.deepEqual([first.hasMore, second.hasMore], [true, false]);
  await lookOnce(world, service, hotel);
  assert.deepEqual(idsOf(await list(hotel, { state: 'unmatched' })), later.toReversed());
  assert.deepEqual(idsOf(await list(hotel, { state: 'processed' })), [event.id]);
  assert.deepEqual(idsOf(await list(hotel, { state: 'parked' })), []);
  assert.deepEqual(idsOf(await list(hotel, { mode: Mode.MODE_LIVE })), []);
  assert.equal((await list(other)).events.length, 1);
});

test("only the operator sees every hotel's events", async () => {
  const { hotel, event } = await told();
  const { event: otherEvent } = await told();
  const seen = idsOf(await list(undefined, {}, 'operator'));
  assert.ok(seen.includes(event.id) && seen.includes(otherEvent.id));
  assert.deepEqual(idsOf(await list(hotel, {}, 'operator')), [event.id]);
  assert.equal((await refusalOf(list(undefined))).status, grpcStatus.PERMISSION_DENIED);
  for (const caller of ['merchant', 'api-gateway', 'auth'])
    assert.equal((await refusalOf(list(hotel, {}, caller))).status, grpcStatus.PERMISSION_DENIED, caller);
});

test('a limit, cursor or state that is none is refused by name', async () => {
  const { hotel } = await told();
  for (const [change, field] of [
    [{ limit: 0 }, 'limit'],
    [{ limit: 101 }, 'limit'],
    [{ afterEventId: 'nonsense' }, 'cursor'],
    [{ state: 'lost' }, 'state'],
  ] as const) {
    const refused = await refusalOf(list(hotel, change));
    assert.equal(refused.status, grpcStatus.INVALID_ARGUMENT);
    assert.deepEqual(
      refused.error.errors.map((error) => error.field),
      [field],
    );
  }
});

test('a parked event that is replayed is due at once with 72 new hours, and who asked is kept for ever', async () => {
  const { hotel, event } = await told({ id: 'pi_of_nobody', metadata: {} });
  await ageEvents(world, hotel, 'waiting_since', '73 hours');
  await lookOnce(world, service, hotel);
  const [parked] = (await list(hotel, { state: 'parked' })).events;
  assert.ok(parked);
  const again = await replay(hotel, parked.eventId);
  assert.deepEqual([again.state, again.attempts, again.processedAt], ['received', 1, undefined]);
  await lookOnce(world, service, hotel);
  const unmatched = await storedEvent(world, hotel, event);
  assert.deepEqual([unmatched.state, unmatched.attempts], ['unmatched', 2], 'its time began anew');
  await replay(hotel, parked.eventId, {
    origin: { actor: 'operator', requestId: 'req_2', address: '' },
  });
  const { rows } = await world.admin.query(
    `select attempts, from_state, from_reason, actor, request_id, address from provider_event_replays
      where merchant_id = $1 order by at`,
    [hotel.merchantId],
  );
  const reason = 'no payment of this hotel is known by its references';
  assert.deepEqual(rows, [
    {
      attempts: 1,
      from_state: 'parked',
      from_reason: reason,
      actor: 'api_key:key_owner',
      request_id: 'req_replay',
      address: '192.0.2.9',
    },
    {
      attempts: 2,
      from_state: 'unmatched',
      from_reason: reason,
      actor: 'operator',
      request_id: 'req_2',
      address: '',
    },
  ]);
  for (const change of [
    `update provider_event_replays set actor = 'x'`,
    `delete from provider_event_replays`,
  ])
    await assert.rejects(world.admin.query(change), /append-only/);
});

test('a processed event that is replayed asks the provider again, twin or not, and changes nothing', async () => {
  const { hotel, paymentId, event } = await told();
  await deliver(service, webhookOf(hotel, withNewId(event)));
  await lookOnce(world, service, hotel);
  const earlier = await service.get(hotel, paymentId);
  const [twin] = (await list(hotel)).events.filter(({ reason }) => reason.startsWith('the same fact as'));
  assert.ok(twin);
  await replay(hotel, twin.eventId, {}, 'operator');
  await lookOnce(world, service, hotel);
  const [asked] = (await list(hotel)).events.filter(({ eventId }) => eventId === twin.eventId);
  assert.deepEqual([asked?.state, asked?.reason, asked?.attempts], ['processed', 'the provider agrees', 2]);
  assert.deepEqual(await service.get(hotel, paymentId), earlier);
});

test('whoever works on an event while it is replayed concludes nothing', async () => {
  const { hotel } = await told();
  const { pool } = service.context;
  const [holder] = (await claimDueEvents(pool, 16, 60_000)).filter(
    ({ merchantId }) => merchantId === hotel.merchantId,
  );
  assert.ok(holder);
  await replay(hotel, toPublicId('pev', holder.id));
  assert.equal(await conclude(pool, holder, processed('by an old look')), undefined);
  await lookOnce(world, service, hotel);
  assert.deepEqual(
    (await storedEvents(world, hotel)).map(({ state, reason }) => [state, reason]),
    [['processed', 'the provider agrees']],
  );
});

test("another hotel's or another mode's event is not_found, and stays as it is", async () => {
  const { hotel } = await told();
  const other = await world.stripeHotel();
  await lookOnce(world, service, hotel);
  const [event] = (await list(hotel)).events;
  assert.ok(event);
  for (const [whose, eventId, change] of [
    [other, event.eventId, {}],
    [hotel, event.eventId, { mode: Mode.MODE_LIVE }],
    [hotel, 'pev_00000000000000000000000000', {}],
    [hotel, 'nonsense', {}],
  ] as const)
    assert.equal((await refusalOf(replay(whose, eventId, change))).status, grpcStatus.NOT_FOUND);
  for (const caller of ['merchant', 'api-gateway', 'auth'])
    assert.equal(
      (await refusalOf(replay(hotel, event.eventId, {}, caller))).status,
      grpcStatus.PERMISSION_DENIED,
    );
  assert.deepEqual((await list(hotel)).events, [event]);
});
