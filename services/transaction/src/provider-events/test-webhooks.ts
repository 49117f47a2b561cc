import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  ReceiveProviderEventRequest,
  ReceiveProviderEventResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { request } from 'undici';
import { z } from 'zod';
import { callOptions } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import type { Hotel, World } from '../testing/world.ts';
import { processDueEvents } from './process-provider-events.ts';
import type { EventCounters } from './process-provider-events.ts';
import type { EventState } from './provider-event.ts';

const eventSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    created: z.number(),
    data: z.object({ object: z.record(z.string(), z.unknown()) }).loose(),
  })
  .loose();

/** An event as Stripe's simulator made it. */
export type StripeEvent = z.infer<typeof eventSchema>;

/** Everything that happened on the hotel's Stripe account, the oldest first. */
export async function eventsAtStripe(world: World, hotel: Hotel): Promise<StripeEvent[]> {
  const page = z
    .object({ data: z.array(eventSchema), has_more: z.literal(false) })
    .parse(await callStripe(world, hotel, 'GET', '/v1/events?limit=100'));
  return page.data.toReversed();
}

/** The only event of that type; `which` picks among several. */
export async function eventOfType(world: World, hotel: Hotel, type: string, which = 0): Promise<StripeEvent> {
  const event = (await eventsAtStripe(world, hotel)).filter((candidate) => candidate.type === type)[which];
  assert.ok(event, `Stripe made ${type}`);
  return event;
}

/** A call with the hotel's own key, as from its dashboard. */
export async function callStripe(
  world: World,
  hotel: Hotel,
  method: 'GET' | 'POST',
  path: string,
  form: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const reply = await request(`${world.stripe.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${hotel.secretKey}`,
      ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    },
    ...(method === 'POST' ? { body: new URLSearchParams(form).toString() } : {}),
  });
  const body = await reply.body.json();
  assert.equal(reply.statusCode, 200, JSON.stringify(body));
  return body;
}

/** The same object under an event id of its own, changed as a test needs. */
export function withNewId(event: StripeEvent, change: Record<string, unknown> = {}): StripeEvent {
  return {
    ...event,
    id: `evt_${randomBytes(12).toString('hex')}`,
    data: { ...event.data, object: { ...event.data.object, ...change } },
  };
}

/** What Stripe would post: the body, and its signature with that secret at that time. */
export function webhookOf(
  hotel: Hotel,
  event: StripeEvent,
  change: Partial<ReceiveProviderEventRequest> & { secret?: string; signedAt?: number } = {},
): ReceiveProviderEventRequest {
  const {
    secret = hotel.webhookSecret,
    signedAt = Math.floor(Date.now() / 1_000),
    ...changedRequest
  } = change;
  const rawBody = changedRequest.rawBody ?? Buffer.from(JSON.stringify(event, undefined, 2));
  const signature = createHmac('sha256', secret).update(`${signedAt}.`).update(rawBody).digest('hex');
  return {
    provider: 'stripe',
    providerAccountId: toPublicId('pa', hotel.providerAccountId),
    headers: { 'stripe-signature': `t=${signedAt},v1=${signature}` },
    origin: { actor: 'provider:stripe', requestId: 'req_webhook', address: '198.51.100.7' },
    ...changedRequest,
    rawBody,
  };
}

/** One delivery through the door. */
export async function deliver(
  service: TestService,
  webhook: ReceiveProviderEventRequest,
  caller = 'payment-api',
): Promise<ReceiveProviderEventResponse> {
  const client = service.clientOf(caller);
  return await callUnary(client.receiveProviderEvent.bind(client), webhook, callOptions());
}

/** What a merchant is asked by. */
export function scopeOf(hotel: Hotel): { merchantId: string; mode: Mode } {
  return { merchantId: hotel.merchantId, mode: Mode.MODE_TEST };
}

/** Counts instead of metrics, which the service's own loop has registered. */
export function countingCounters(): EventCounters & { mismatches: number; states: EventState[] } {
  const counters = {
    mismatches: 0,
    states: [] as EventState[],
    concluded: (_provider: string, state: EventState) => void counters.states.push(state),
    mismatch: () => void (counters.mismatches += 1),
  };
  return counters;
}

/** The stored event, as the database shows it. */
export type StoredEvent = {
  id: string;
  provider_event_id: string;
  type: string;
  state: EventState;
  reason: string;
  payment_id: string | null;
  attempts: number;
  body_sha256: Buffer;
  body_bytes: number;
  processed_at: Date | null;
};

/** The hotel's stored events in the order they came. */
export async function storedEvents(world: World, hotel: Hotel): Promise<StoredEvent[]> {
  const { rows } = await world.admin.query<StoredEvent>(
    `select * from provider_events where merchant_id = $1 order by id`,
    [hotel.merchantId],
  );
  return rows;
}

export async function storedEvent(world: World, hotel: Hotel, event: StripeEvent): Promise<StoredEvent> {
  const found = (await storedEvents(world, hotel)).find((row) => row.provider_event_id === event.id);
  assert.ok(found, `${event.type} ${event.id} is stored`);
  return found;
}

/** One look at every event of the hotel that is not over yet, whenever it would be due. */
export async function lookOnce(
  world: World,
  service: TestService,
  hotel: Hotel,
  counters: EventCounters = countingCounters(),
): Promise<void> {
  const { rowCount } = await world.admin.query(
    `update provider_events set due_at = now() - interval '1 ms'
      where merchant_id = $1 and state in ('received', 'unmatched')`,
    [hotel.merchantId],
  );
  for (let left = rowCount ?? 0; left > 0;) {
    const taken = await processDueEvents(service.context, counters);
    assert.ok(taken > 0, 'what is due is taken');
    left -= taken;
  }
}

/** As if that long had gone by for all stored events of the hotel. */
export async function ageEvents(
  world: World,
  hotel: Hotel,
  column: 'waiting_since' | 'hastened_at' | 'differs_since',
  interval: string,
): Promise<void> {
  const { rowCount } = await world.admin.query(
    `update provider_events set ${column} = ${column} - $2::interval
      where merchant_id = $1 and state in ('received', 'unmatched') and ${column} is not null`,
    [hotel.merchantId, interval],
  );
  assert.ok((rowCount ?? 0) > 0, `${column} of an event was moved`);
}

/** The payment's row, to see that nothing of it changed. */
export async function paymentRow(world: World, paymentId: string): Promise<unknown> {
  const { rows } = await world.admin.query(`select * from payments where id = $1`, [paymentId]);
  assert.equal(rows.length, 1);
  return rows[0];
}
