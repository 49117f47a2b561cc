import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { startFaultProxy, targetOf } from '@centra/testkit/fault-proxy.ts';
import type { FaultProxy } from '@centra/testkit/fault-proxy.ts';
import { paymentOf, refusalOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { deliver, eventOfType, storedEvent, storedEvents, webhookOf, withNewId } from './test-webhooks.ts';
import type { StripeEvent } from './test-webhooks.ts';

let world: World;
let proxy: FaultProxy;
let service: TestService;

before(async () => {
  world = await startWorld();
  proxy = await startFaultProxy({ targets: [targetOf(world.database.url)] });
  // Nothing is processed here: only the door is looked at.
  service = await startTestService(world, {
    databaseUrl: proxy.through(world.database.url),
    sweepIntervalMs: 600_000,
  });
});
after(async () => {
  await service.close();
  await proxy.close();
  await world.close();
});

type Sold = { hotel: Hotel; paymentId: string; event: StripeEvent };

/** A hotel with one collected payment, and the event that says so. */
async function soldAtStripe(): Promise<Sold> {
  const hotel = await world.stripeHotel();
  const token = await world.vaultera.card(hotel.vaultKey, '4242424242424242');
  const { paymentId } = paymentOf(await service.sale(saleRequest(hotel, token)));
  return { hotel, paymentId, event: await eventOfType(world, hotel, 'payment_intent.succeeded') };
}

test('28: an event that arrives five times at once is stored once and acknowledged five times', async () => {
  const { hotel, event } = await soldAtStripe();
  const answers = await Promise.all(
    Array.from({ length: 5 }, async () => await deliver(service, webhookOf(hotel, event))),
  );
  assert.deepEqual(
    answers.map(({ duplicate }) => duplicate).toSorted((a, b) => Number(a) - Number(b)),
    [false, true, true, true, true],
  );
  const stored = await storedEvents(world, hotel);
  assert.deepEqual(
    stored.map((row) => [row.provider_event_id, row.type, row.state, row.attempts]),
    [[event.id, 'payment_intent.succeeded', 'received', 0]],
  );
});

test('one event id at two hotels is two events', async () => {
  const { hotel, event } = await soldAtStripe();
  const other = await world.stripeHotel();
  await deliver(service, webhookOf(hotel, event));
  const answer = await deliver(service, webhookOf(other, event));
  assert.equal(answer.duplicate, false);
  assert.deepEqual(
    [(await storedEvents(world, hotel)).length, (await storedEvents(world, other)).length],
    [1, 1],
  );
});

test('of the body only the fact, its digest and its size are kept: no name, address or card of a guest', async () => {
  const { hotel, event } = await soldAtStripe();
  const told = withNewId(event, {
    receipt_email: 'ada@example.com',
    shipping: { name: 'Ada Lovelace', address: { line1: '12 St James Square' } },
    description: 'card 4242 4242 4242 4242',
  });
  const webhook = webhookOf(hotel, told);
  await deliver(service, webhook);
  const stored = await storedEvent(world, hotel, told);
  assert.equal(stored.body_bytes, webhook.rawBody.length);
  assert.deepEqual(stored.body_sha256, createHash('sha256').update(webhook.rawBody).digest());
  const { rows } = await world.admin.query<{ text: string }>(
    `select e::text as text from provider_events e where e.id = $1`,
    [stored.id],
  );
  assert.match(rows[0]?.text ?? '', /payment_intent\.succeeded/);
  assert.doesNotMatch(rows[0]?.text ?? '', /ada@|Lovelace|James|4242 4242/i);
});

test('a signature over other bytes, with another secret, of another account or too old stores nothing', async () => {
  const { hotel, event } = await soldAtStripe();
  const other = await world.stripeHotel();
  const right = webhookOf(hotel, event);
  const forged = {
    'other bytes': { ...right, rawBody: Buffer.concat([right.rawBody, Buffer.from(' ')]) },
    'another secret': webhookOf(hotel, event, { secret: 'whsec_guessed' }),
    'another account': webhookOf(hotel, event, { secret: other.webhookSecret }),
    'an hour old': webhookOf(hotel, event, { signedAt: Math.floor(Date.now() / 1_000) - 3_600 }),
    'no signature': { ...right, headers: {} },
  };
  for (const [what, webhook] of Object.entries(forged)) {
    const refused = await refusalOf(deliver(service, webhook));
    assert.deepEqual(
      [refused.status, refused.error.code],
      [grpcStatus.INVALID_ARGUMENT, 'signature_invalid'],
      what,
    );
  }
  assert.deepEqual(await storedEvents(world, hotel), []);
  assert.deepEqual(await storedEvents(world, other), []);
  assert.deepEqual(await deliver(service, right), { duplicate: false }, 'the right one is taken');
});

test('an account that is unknown, disconnected, of another provider or without events is not_found', async () => {
  const { hotel, event } = await soldAtStripe();
  const gone = await world.stripeHotel();
  world.merchant.disconnect(gone.providerAccountId);
  const simulated = await world.simulatorHotel();
  const asked = [
    webhookOf(hotel, event, { providerAccountId: toPublicId('pa', '0199f2b4-7e5a-7c44-9d0e-2a6b1c3d4e5f') }),
    webhookOf(hotel, event, { providerAccountId: 'nonsense' }),
    webhookOf(gone, event),
    webhookOf(hotel, event, { providerAccountId: toPublicId('pa', simulated.providerAccountId) }),
    webhookOf(hotel, event, { providerAccountId: toPublicId('pa', hotel.vaultAccountId) }),
    webhookOf(hotel, event, { provider: 'paypal' }),
    webhookOf(hotel, event, { provider: 'vaultera' }),
  ];
  for (const [index, webhook] of asked.entries()) {
    const refused = await refusalOf(deliver(service, webhook));
    assert.deepEqual(
      [refused.status, refused.error.code],
      [grpcStatus.NOT_FOUND, 'not_found'],
      `case ${index}`,
    );
  }
  assert.deepEqual(await storedEvents(world, hotel), []);
});

test('an event that names no account is led by its payment to the secret that checks it', async () => {
  const { hotel, event } = await soldAtStripe();
  const nameless = { providerAccountId: '' };
  const forged = await refusalOf(
    deliver(service, webhookOf(hotel, event, { ...nameless, secret: 'whsec_guessed' })),
  );
  assert.equal(forged.error.code, 'signature_invalid');
  assert.deepEqual(await deliver(service, webhookOf(hotel, event, nameless)), { duplicate: false });
  assert.deepEqual(await deliver(service, webhookOf(hotel, event)), { duplicate: true }, 'either way is one');
  // Without our references the provider's own id leads there.
  const bare = withNewId(event, { metadata: {} });
  assert.deepEqual(await deliver(service, webhookOf(hotel, bare, nameless)), { duplicate: false });
  const strange = withNewId(event, { id: 'pi_of_somebody_else', metadata: {} });
  const refused = await refusalOf(deliver(service, webhookOf(hotel, strange, nameless)));
  assert.equal(refused.error.code, 'not_found');
  const nonsense = webhookOf(hotel, event, { ...nameless, rawBody: Buffer.from('{') });
  assert.equal((await refusalOf(deliver(service, nonsense))).error.code, 'not_found');
});

test('33: while the database is away the provider is told to send again, and nothing is lost or doubled by it', async () => {
  const { hotel, event } = await soldAtStripe();
  proxy.set({ kind: 'refuse' });
  const refused = await refusalOf(deliver(service, webhookOf(hotel, event))).finally(() => proxy.clear());
  assert.deepEqual([refused.status, refused.error.code], [grpcStatus.UNAVAILABLE, 'unavailable']);
  assert.deepEqual(await storedEvents(world, hotel), []);
  assert.deepEqual(await deliver(service, webhookOf(hotel, event)), { duplicate: false });
  assert.equal((await storedEvents(world, hotel)).length, 1);
});

test('33: a commit whose answer was lost is a 503 now and a duplicate when it is sent again', async () => {
  const { hotel, event } = await soldAtStripe();
  await deliver(service, webhookOf(hotel, withNewId(event)));
  proxy.set({ kind: 'lose-reply', match: 'store-provider-event' });
  const refused = await refusalOf(deliver(service, webhookOf(hotel, event)));
  assert.equal(refused.error.code, 'unavailable');
  assert.deepEqual(await deliver(service, webhookOf(hotel, event)), { duplicate: true });
  assert.equal((await storedEvents(world, hotel)).length, 2);
});

test('33: a store that refuses the row is a 503 as well, not an acknowledgement', async () => {
  const { hotel, event } = await soldAtStripe();
  // Stands for whatever makes Postgres refuse a row: a full disk, a broken index.
  await world.admin.query(
    `alter table provider_events add constraint full_disk check (type <> 'payment_intent.succeeded') not valid`,
  );
  try {
    const refused = await refusalOf(deliver(service, webhookOf(hotel, event)));
    assert.deepEqual([refused.status, refused.error.code], [grpcStatus.UNAVAILABLE, 'unavailable']);
  } finally {
    await world.admin.query(`alter table provider_events drop constraint full_disk`);
  }
  assert.deepEqual(await storedEvents(world, hotel), []);
});

test('a body above 256 KiB is refused before anything is looked up', async () => {
  const { hotel, event } = await soldAtStripe();
  const webhook = webhookOf(hotel, event, { rawBody: Buffer.alloc(256 * 1024 + 1, ' ') });
  const refused = await refusalOf(deliver(service, webhook));
  assert.equal(refused.error.code, 'payload_too_large');
});

test('only payment-api may hand events on', async () => {
  const { hotel, event } = await soldAtStripe();
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator'])
    assert.equal(
      (await refusalOf(deliver(service, webhookOf(hotel, event), caller))).status,
      grpcStatus.PERMISSION_DENIED,
      caller,
    );
  assert.deepEqual(await storedEvents(world, hotel), []);
});
