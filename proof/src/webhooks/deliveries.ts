import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { control } from './endpoint.ts';
import { judgeLife } from './judge-life.ts';
import { live } from './life.ts';
import { eventsAtStripe } from './stripe-event.ts';
import { storedEvents, untilAtRest } from './stored.ts';

// Stripe's simulator delivers by itself, and badly: twice, under other ids, out of order, late, never, before its own reply,
// with a wrong signature, and to the wrong hotel.

// The first pause of the simulator before it sends again what was refused, with the time of a few deliveries on top.
const RESENT_WITHIN_MS = 30_000;

const faultsSchema = z.object({
  faults: z.array(z.object({ fault: z.looseObject({ fault: z.string() }), fired: z.int() })),
});

/**
 * Lives under faulty deliveries; `other` is the hotel that gets some of the events by mistake, `spared` a payment that need not
 * be at rest.
 */
export async function checkDeliveries(
  stage: Stage,
  hotel: StageHotel,
  other: StageHotel,
  { random, count, spared }: { random: Seeded; count: number; spared: string },
): Promise<{ checks: Check[]; counts: Record<string, number> }> {
  // Those of earlier parts would be counted too.
  await control(stage, 'DELETE', '/faults');
  for (const fault of faultsOf(other, random, count)) await control(stage, 'POST', '/faults', fault);
  const lives = await Promise.all(
    Array.from(
      { length: count },
      async (_, nth) => await live(stage, hotel, { isLost: false, isDisputed: nth % 2 === 1 }),
    ),
  );
  const delivered = await untilDelivered(stage, hotel);
  const fired = await firedFaults(stage);
  await control(stage, 'DELETE', '/faults');
  const unrest = await untilAtRest(stage, spared);
  const ends = await Promise.all(lives.map(async (life) => await judgeLife(stage, hotel, life)));
  const wrong = ends.flatMap(({ wrong: found }) => found);
  const lost = fired['webhook_lose'] ?? 0;
  const strangers = (await storedEvents(stage)).filter(
    ({ merchant_id: merchantId, payment_id: paymentId, type, state }) =>
      merchantId === other.merchantId &&
      paymentId === null &&
      state !== 'unmatched' &&
      /^charge|^payment/.test(type),
  );
  return {
    counts: fired,
    checks: [
      check(
        `28 to 30: ${count} payments whose webhooks came twice, late, in disorder, wrongly signed or never end as the provider has them`,
        wrong.length === 0 && unrest.length === 0,
        [...wrong, ...unrest].slice(0, 10).join('; '),
      ),
      check(
        'I15: every event that was not lost on the way is stored once',
        delivered.missing <= lost && delivered.twice === 0,
        `${delivered.missing} of ${delivered.all} are not stored, ${lost} were lost; ${delivered.twice} are stored twice`,
      ),
      check(
        '33: what was told to another hotel by mistake is of no payment there',
        strangers.length === 0,
        JSON.stringify(strangers.slice(0, 5)),
      ),
    ],
  };
}

function faultsOf(other: StageHotel, random: Seeded, count: number): object[] {
  const few = (): number => random.between(1, Math.max(2, count));
  return [
    { fault: 'webhook_before_reply', method: 'POST', path: '/v1/payment_intents', times: few() },
    { fault: 'webhook_before_reply', method: 'POST', path: '/v1/refunds', times: few() },
    { fault: 'webhook_duplicate', copies: random.between(2, 4), times: few() },
    { fault: 'webhook_duplicate', copies: 2, new_id: true, event_type: 'charge.refunded', times: few() },
    { fault: 'webhook_reorder', hold_ms: 1_500, event_type: 'payment_intent.succeeded', times: few() },
    {
      fault: 'webhook_delay',
      delay_ms: random.between(500, 3_000),
      event_type: 'refund.created',
      times: few(),
    },
    { fault: 'webhook_lose', event_type: 'charge.captured', times: few() },
    { fault: 'webhook_lose', event_type: 'payment_intent.amount_capturable_updated', times: 1 },
    { fault: 'webhook_bad_signature', event_type: 'charge.refunded', times: few() },
    { fault: 'webhook_other_account', account: other.stripeAccount, event_type: 'charge.', times: few() },
  ];
}

async function firedFaults(stage: Stage): Promise<Record<string, number>> {
  const { faults } = faultsSchema.parse(await control(stage, 'GET', '/faults'));
  const fired: Record<string, number> = {};
  for (const { fault, fired: times } of faults) fired[fault.fault] = (fired[fault.fault] ?? 0) + times;
  return fired;
}

type Delivered = { all: number; missing: number; twice: number };

/** Waits until what is still on its way has come, or will not come any more. */
async function untilDelivered(stage: Stage, hotel: StageHotel): Promise<Delivered> {
  const deadline = performance.now() + RESENT_WITHIN_MS;
  for (;;) {
    const seen = await deliveredOf(stage, hotel);
    const lost = (await firedFaults(stage))['webhook_lose'] ?? 0;
    if (seen.missing <= lost || performance.now() > deadline) return seen;
    await pause(300);
  }
}

async function deliveredOf(stage: Stage, hotel: StageHotel): Promise<Delivered> {
  const told = await eventsAtStripe(stage.stripeUrl, hotel.stripeKey);
  const stored = (await storedEvents(stage)).filter(({ merchant_id: id }) => id === hotel.merchantId);
  const ids = stored.map(({ provider_event_id: id }) => id);
  return {
    all: told.length,
    missing: told.filter(({ id }) => !ids.includes(id)).length,
    twice: ids.length - new Set(ids).size,
  };
}
