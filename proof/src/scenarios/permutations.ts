import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../scenario.ts';
import type { Check, Outcome, Profile, Scenario, ScenarioOptions } from '../scenario.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import { startStage } from '../stage/stage.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { checkDeliveries } from '../webhooks/deliveries.ts';
import { takeOver } from '../webhooks/endpoint.ts';
import type { Endpoint } from '../webhooks/endpoint.ts';
import { checkFlood, checkForgeries } from '../webhooks/hostile.ts';
import { judgeLife } from '../webhooks/judge-life.ts';
import { live } from '../webhooks/life.ts';
import type { Life } from '../webhooks/life.ts';
import { beginContradiction, checkOddities, checkStoreDown } from '../webhooks/oddities.ts';
import { permutationsOf, quantile, sampleOf } from '../webhooks/orders.ts';
import { eventsAtStripe, postWebhook, signatureOf, under } from '../webhooks/stripe-event.ts';
import type { StripeEvent } from '../webhooks/stripe-event.ts';
import { storedEvents, untilAtRest } from '../webhooks/stored.ts';

// Each order is a hotel's own payment: its events are posted here, not by Stripe, so that their order is exactly the one drawn.

/** What is put into every order: the first of each type, and of the refunds the second too. */
const TOLD = [
  'payment_intent.amount_capturable_updated',
  'payment_intent.succeeded',
  'charge.refunded',
  'refund.created',
  'charge.dispute.created',
] as const;

/** Orders of each kind, and payments with faulty deliveries. All orders of five events are 120. */
const SIZES: Readonly<Record<Profile, { told: number; lost: number; delivered: number }>> = {
  short: { told: 6, lost: 3, delivered: 4 },
  // Lost answers are armed one payment at a time, and the orders of what tells of them are a part of all orders.
  long: { told: 120, lost: 24, delivered: 8 },
};

const AT_ONCE = 4;

export const permutations: Scenario = {
  name: 'permutations',
  promise: 'P10: webhooks in any order and any number leave one final state',
  weight: 1,
  async run(options) {
    const folder = join(options.folder, 'stage');
    mkdirSync(folder);
    const hotels = ['Order', 'Lost', 'Delivered', 'Other'].map((name) => ({
      name: `Riad ${name}`,
      provider: 'stripe' as const,
    }));
    const stage = await startStage({ folder, hotels, say: options.say });
    try {
      const outcome = await permute(stage, options);
      const crashes = check(
        'no service ended by itself',
        stage.crashes.length === 0,
        stage.crashes.join('\n'),
      );
      return { ...outcome, checks: [...outcome.checks, crashes] };
    } finally {
      await stage.stop();
    }
  },
};

type Bench = {
  stage: Stage;
  hotel: StageHotel;
  endpoint: Endpoint;
  random: Seeded;
  /** Milliseconds of each true webhook from its first byte to its 200. */
  times: number[];
  /** The payment whose contradiction waits to be seen twice: nothing waits for it before the end. */
  spared: string;
};

async function permute(stage: Stage, { seed, profile, say }: ScenarioOptions): Promise<Outcome> {
  const random = seeded(seed).fork('permutations');
  const [ordered, lost, delivered, other] = stage.hotels;
  if (ordered === undefined || lost === undefined || delivered === undefined || other === undefined)
    throw new Error('a hotel is missing');
  const times: number[] = [];
  const endpoint = await takeOver(stage, ordered);
  const others: Endpoint = await takeOver(stage, lost);
  const { told, lost: losses, delivered: deliveries } = SIZES[profile];

  const first = await live(stage, ordered, { isLost: false, isDisputed: false });
  const bench = { stage, hotel: ordered, endpoint, random, times, spared: first.paymentId };
  const contradiction = await beginContradiction(bench, first);
  say('posting events in every order');
  const inOrder = await runOrders(bench, { count: told, isLost: false });
  const withLoss = await runOrders(
    { ...bench, hotel: lost, endpoint: others },
    { count: losses, isLost: true },
  );
  say('posting what is forged, unknown, untrue and too late');
  const example = inOrder.example;
  const odd = [
    ...(await checkForgeries(stage, example.event, bench.endpoint, others)),
    await checkFlood(
      Array.from({ length: 10 }, () => under(example.event)),
      bench.endpoint,
    ),
    ...(await checkOddities(bench, example.life, example.event)),
    await checkStoreDown(bench, example.event),
  ];
  say('having Stripe deliver badly');
  const bad = await checkDeliveries(stage, delivered, other, {
    random,
    count: deliveries,
    spared: first.paymentId,
  });
  const contradicted = await contradiction();
  const rest = await checkRest(stage);
  return {
    checks: [...inOrder.checks, ...withLoss.checks, ...odd, ...bad.checks, contradicted, rest],
    notes: [],
    counts: {
      orders: inOrder.orders + withLoss.orders,
      webhooks: times.length,
      p50Ms: Math.round(quantile(times, 0.5)),
      p99Ms: Math.round(quantile(times, 0.99)),
      ...bad.counts,
    },
  };
}

type Ran = { checks: Check[]; orders: number; example: { life: Life; event: StripeEvent } };

/** One payment for each order that is drawn; all must end alike. */
async function runOrders(bench: Bench, { count, isLost }: { count: number; isLost: boolean }): Promise<Ran> {
  const { stage, hotel, random, spared } = bench;
  const orders = sampleOf(permutationsOf(TOLD), count, random.fork(isLost ? 'lost' : 'told'));
  const lives: Life[] = [];
  // Lost replies are armed by path, so one payment at a time.
  const atOnce = isLost ? 1 : AT_ONCE;
  for (let start = 0; start < orders.length; start += atOnce)
    lives.push(
      ...(await Promise.all(
        orders.slice(start, start + atOnce).map(async (order, nth) => {
          const own = random.fork(`order ${start + nth}`);
          return await runOrder({ ...bench, random: own }, order, isLost);
        }),
      )),
    );
  const unrest = await untilAtRest(stage, spared);
  // One after the other: each looks into the database over a connection of its own.
  const ends: Awaited<ReturnType<typeof judgeLife>>[] = [];
  for (const life of lives) ends.push(await judgeLife(stage, hotel, life));
  const kinds = new Set(ends.map(({ end }) => end));
  const wrong = [...ends.flatMap((end) => end.wrong), ...unrest];
  const kind = isLost ? 'whose answers were all lost ' : '';
  const [life] = lives;
  const event = (await eventsOf(stage, hotel, life)).find(({ type }) => type === 'charge.refunded');
  if (life === undefined || event === undefined) throw new Error('no order was run');
  return {
    orders: orders.length,
    example: { life, event },
    checks: [
      check(
        `30: payments ${kind}end as the provider has them, in every order of their events with duplicates`,
        wrong.length === 0,
        wrong.slice(0, 10).join('; '),
      ),
      check(
        `30: payments ${kind}have one final state${isLost ? '' : ' and one history'}, whatever the order`,
        // How often an operation was asked about before it was known is in the history of a lost one.
        isLost ? new Set(ends.map(({ end }) => end.split(';')[0])).size === 1 : kinds.size === 1,
        [...kinds].join(' | '),
      ),
    ],
  };
}

/** Lives, and has everything told in that order, each two or three times at once and sometimes under another id. */
async function runOrder(bench: Bench, order: readonly string[], isLost: boolean): Promise<Life> {
  const { stage, hotel, random } = bench;
  const life = await live(stage, hotel, {
    isLost,
    isDisputed: true,
    afterStep: async (reference) => {
      // Only these events and the sweeper tell of an answer that was lost.
      const told = (await eventsOf(stage, hotel, { reference })).toReversed();
      if (isLost) for (const event of told) await postCopies(bench, event, 1);
    },
  });
  const events = await eventsOf(stage, hotel, life);
  for (const type of order) {
    const event = events.find((one) => one.type === type);
    if (event === undefined) throw new Error(`Stripe told nothing of ${type}`);
    await postCopies(bench, event, random.between(2, 3));
  }
  // Whatever else there was comes last and backwards.
  for (const event of events.toReversed()) await postCopies(bench, event, 1);
  return life;
}

async function postCopies(
  { endpoint, random, times }: Bench,
  event: StripeEvent,
  copies: number,
): Promise<void> {
  const all = Array.from({ length: copies }, () => event);
  if (random.chance(0.4)) all.push(under(event));
  const answers = await Promise.all(
    all.map(async (one, nth) => {
      const body = JSON.stringify(one);
      return await postWebhook(
        endpoint.urls[nth % endpoint.urls.length] ?? '',
        body,
        signatureOf(body, [endpoint.secret]),
      );
    }),
  );
  for (const { status, text, milliseconds } of answers) {
    if (status !== 200) throw new Error(`a true webhook was answered ${status} ${text}`);
    times.push(milliseconds);
  }
}

/** What Stripe has to tell of one payment, the oldest first. */
async function eventsOf(
  stage: Stage,
  hotel: StageHotel,
  life: Pick<Life, 'reference'> | undefined,
): Promise<StripeEvent[]> {
  const events = await eventsAtStripe(stage.stripeUrl, hotel.stripeKey);
  return events.filter(({ data: { object } }) =>
    [object['id'], object['payment_intent']].includes(life?.reference),
  );
}

/** I15, over everything that was posted and delivered. */
async function checkRest(stage: Stage): Promise<Check> {
  const open = (await storedEvents(stage)).filter(
    ({ state }) => !['processed', 'unmatched', 'mismatch'].includes(state),
  );
  return check(
    'I15: every stored event is processed, unmatched or a mismatch',
    open.length === 0,
    JSON.stringify(open.slice(0, 5)),
  );
}
