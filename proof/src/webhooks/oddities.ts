import { waitFor } from '@centra/testkit/pause.ts';
import { isDeepStrictEqual } from 'node:util';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { askStripe } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';
import { readBook } from './life.ts';
import type { Life } from './life.ts';
import { eventsAtStripe, madeUpEvent, postWebhook, signatureOf, under } from './stripe-event.ts';
import type { Posted, StripeEvent } from './stripe-event.ts';
import { moneyRows, storedEvents } from './stored.ts';
import type { StoredEvent } from './stored.ts';

// Webhooks that are signed as they should be and say what is not so, or what nobody knows.

type Bench = { stage: Stage; hotel: StageHotel; endpoint: Endpoint };

async function postSigned(
  { endpoint }: Bench,
  event: StripeEvent,
  secrets?: readonly string[],
): Promise<Posted> {
  const body = JSON.stringify(event);
  return await postWebhook(endpoint.urls[0] ?? '', body, signatureOf(body, secrets ?? [endpoint.secret]));
}

/** The stored event, once it has left the state in which it came. */
async function concluded({ stage }: Bench, eventId: string, timeoutMs = 60_000): Promise<StoredEvent> {
  return await waitFor(
    `${eventId} to be looked at`,
    async () =>
      (await storedEvents(stage)).find(
        (event) => event.provider_event_id === eventId && event.state !== 'received',
      ),
    timeoutMs,
  );
}

/** What must not change of a payment, as it is told and as it is stored. */
async function unmoved(
  bench: Bench,
  life: Life,
  work: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const before = await readBook(bench.stage, bench.hotel, life.paymentId);
  const wrong = await work();
  const after = await readBook(bench.stage, bench.hotel, life.paymentId);
  if (wrong !== undefined) return wrong;
  return isDeepStrictEqual(after, before)
    ? undefined
    : `${JSON.stringify(before)} became ${JSON.stringify(after)}`;
}

/** Rows 31, 32, 37 and 38, on a payment whose life is over. */
export async function checkOddities(bench: Bench, life: Life, event: StripeEvent): Promise<Check[]> {
  return [
    await unknownPayment(bench),
    await unknownType(bench, life, event),
    await replay(bench, life, event),
    await rolledSecret(bench, event),
    await otherMode(bench, life, event),
    await untrue(bench, life, event),
  ];
}

function stated(name: string, failure: string | undefined): Check {
  return { name, failure };
}

async function unknownPayment(bench: Bench): Promise<Check> {
  const before = await moneyRows(bench.stage);
  const event = madeUpEvent({
    id: 'ch_of_nobody',
    object: 'charge',
    payment_intent: 'pi_of_nobody',
    amount: 1_000,
    amount_refunded: 1_000,
    currency: 'eur',
    metadata: {},
  });
  const { status } = await postSigned(bench, event);
  const stored = await concluded(bench, event.id);
  const created = (await moneyRows(bench.stage)) - before;
  return check(
    '31: an event of a payment that nobody knows is kept as unmatched, and makes no money',
    status === 200 && stored.state === 'unmatched' && stored.payment_id === null && created === 0,
    `${status}, ${JSON.stringify(stored)}, ${created} new rows`,
  );
}

async function unknownType(bench: Bench, life: Life, event: StripeEvent): Promise<Check> {
  const strange = { ...under(event), type: 'charge.teleported' };
  const failure = await unmoved(bench, life, async () => {
    const { status } = await postSigned(bench, strange);
    const stored = await concluded(bench, strange.id);
    return status === 200 && stored.state === 'processed' ? undefined : `${status} ${JSON.stringify(stored)}`;
  });
  return stated('38: an event of a type that nobody knows is stored, and moves nothing', failure);
}

async function replay(bench: Bench, life: Life, event: StripeEvent): Promise<Check> {
  const failure = await unmoved(bench, life, async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, async () => await postSigned(bench, event)));
    const stored = (await storedEvents(bench.stage)).filter((one) => one.provider_event_id === event.id);
    return answers.every(({ status }) => status === 200) && stored.length === 1
      ? undefined
      : `${answers.map(({ status }) => status).join(' ')}, ${stored.length} rows`;
  });
  return stated('28, 38: an event that is posted five times at once is 200 each time, and one row', failure);
}

async function rolledSecret(bench: Bench, event: StripeEvent): Promise<Check> {
  const { status, text } = await postSigned(bench, under(event), [
    'whsec_the_one_before',
    bench.endpoint.secret,
  ]);
  return check(
    '37: of two signatures one is enough, as while a secret is rolled',
    status === 200,
    `${status} ${text}`,
  );
}

async function otherMode(bench: Bench, life: Life, event: StripeEvent): Promise<Check> {
  const live = { ...under(event, { amount_refunded: 6_000 }), livemode: true };
  const failure = await unmoved(bench, life, async () => {
    const { status } = await postSigned(bench, live);
    const stored = (await storedEvents(bench.stage)).filter((one) => one.provider_event_id === live.id);
    return status === 400 && stored.length === 0 ? undefined : `${status}, ${stored.length} rows`;
  });
  return stated('33: an event of the other mode is 400 and stored nowhere', failure);
}

async function untrue(bench: Bench, life: Life, event: StripeEvent): Promise<Check> {
  const lie = under(event, { amount: 777, amount_refunded: 777, refunded: true });
  const failure = await unmoved(bench, life, async () => {
    const { status } = await postSigned(bench, lie);
    const stored = await concluded(bench, lie.id);
    const isAsked = stored.state === 'processed' || stored.state === 'mismatch';
    return status === 200 && isAsked ? undefined : `${status} ${JSON.stringify(stored)}`;
  });
  return stated(
    '32: a signed event that is not true moves nothing; the provider is asked, and decides',
    failure,
  );
}

/** Row 32, the other way round: the provider did something that we never asked for. Answers what to wait for at the end. */
export async function beginContradiction(bench: Bench, life: Life): Promise<() => Promise<Check>> {
  const { stage, hotel } = bench;
  const before = await readBook(stage, hotel, life.paymentId);
  const known = new Set((await eventsAtStripe(stage.stripeUrl, hotel.stripeKey)).map(({ id }) => id));
  const form = { payment_intent: life.reference, amount: '500' };
  await askStripe(stage, hotel, 'POST', '/v1/refunds', form);
  const told = (await eventsAtStripe(stage.stripeUrl, hotel.stripeKey)).filter(({ id }) => !known.has(id));
  const event = told.find(({ type }) => type === 'charge.refunded');
  if (event === undefined) throw new Error('Stripe told nothing of a refund');
  await postSigned(bench, event);
  return async () => {
    // A difference counts once it was seen twice, half a minute apart.
    const stored = await waitFor(
      'the contradiction to be put before a person',
      async () =>
        (await storedEvents(stage)).find(
          (one) => one.provider_event_id === event.id && one.state === 'mismatch',
        ),
      120_000,
    ).catch(() => undefined);
    const after = await readBook(stage, hotel, life.paymentId);
    return check(
      '32: what was given back in the dashboard of the provider ends as a mismatch and moves nothing here',
      stored !== undefined && isDeepStrictEqual(after, before),
      `${stored === undefined ? 'it never became a mismatch; ' : ''}${JSON.stringify(before)} became ${JSON.stringify(after)}`,
    );
  };
}

/** Row 33: while nothing can be stored the answer is 503, and the event is taken when it comes again. */
export async function checkStoreDown(bench: Bench, event: StripeEvent): Promise<Check> {
  const link = bench.stage.links['postgres-transaction'];
  const fresh = under(event);
  link.set({ kind: 'refuse' });
  const refused = await postSigned(bench, fresh).finally(() => link.clear());
  const taken = await waitFor('the event to be taken', async () => {
    const answer = await postSigned(bench, fresh);
    return answer.status === 200 ? answer : undefined;
  }).catch(() => undefined);
  const rows = (await storedEvents(bench.stage)).filter((one) => one.provider_event_id === fresh.id).length;
  return check(
    '33: an event that cannot be stored is 503, and taken once when it comes again',
    refused.status === 503 && taken !== undefined && rows === 1,
    `${refused.status}, then ${taken?.status ?? 'nothing'}, ${rows} rows`,
  );
}
