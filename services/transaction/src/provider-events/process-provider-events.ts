import { startLoop } from '@centra/service-kit/loop.ts';
import type { Loop } from '@centra/service-kit/loop.ts';
import type { Context } from '../context.ts';
import type { Payment } from '../payments/payment.ts';
import { matchPayment } from './match-payment.ts';
import { claimDueEvents, conclude, PARKED_AFTER_HOURS, waiting } from './pending-event.ts';
import type { PendingEvent, Verdict } from './pending-event.ts';
import type { EventState } from './provider-event.ts';
import { weighEvent } from './weigh-event.ts';

// As many payments as one process may ask providers about at once for events; each replica adds its own.
const BATCH = 16;
// The longest look asks about a dispute, or about refunds and three times about the payment; a lease that ends before its
// holder is done costs a second question, never a second effect.
const PROVIDER_CALLS_MAX = 6;

export type EventCounters = {
  concluded(provider: string, state: EventState): void;
  mismatch(provider: string): void;
};

/** Counters of the loop; once for each process. */
export function createEventCounters({ metrics }: Pick<Context, 'metrics'>): EventCounters {
  const states = metrics.counter(
    'centra_provider_events_total',
    'Looks at provider events by what they led to',
    ['provider', 'state'],
  );
  const mismatches = metrics.counter(
    'centra_provider_event_mismatches_total',
    'Provider events that contradict our record and wait for a person',
    ['provider'],
  );
  return {
    concluded: (provider, state) => states.inc({ provider, state }),
    mismatch: (provider) => mismatches.inc({ provider }),
  };
}

/** Takes up stored provider events until each is processed or before a person. */
export function startEventProcessor(context: Context): Loop {
  const counters = createEventCounters(context);
  const options = {
    name: 'process-provider-events',
    intervalMs: context.config.sweepIntervalMs,
    log: context.log,
  };
  return startLoop(options, async () => ({ more: (await processDueEvents(context, counters)) === BATCH }));
}

/** One round; answers how many events it took. */
export async function processDueEvents(context: Context, counters: EventCounters): Promise<number> {
  const leaseMs = PROVIDER_CALLS_MAX * context.config.providerTimeoutMs;
  const claimed = await claimDueEvents(context.pool, BATCH, leaseMs);
  const matched = await Promise.all(claimed.map(async (event) => await match(context, event)));
  // Events of one payment one after the other: what the provider answered for the first speaks for the rest.
  const groups = Map.groupBy(matched, ({ event, payment }) => payment?.id ?? event.id);
  await Promise.all(
    Array.from(groups.values(), async (group) => {
      for (const [index, item] of group.entries())
        // The one before may have changed the payment.
        await processOne(context, counters, index === 0 ? item : await match(context, item.event));
    }),
  );
  return claimed.length;
}

type Item = { event: PendingEvent; payment: Payment | undefined; failed: boolean };

async function match(context: Context, event: PendingEvent): Promise<Item> {
  try {
    const payment = event.fact.about.kind === 'other' ? undefined : await matchPayment(context.pool, event);
    return { event, payment, failed: false };
  } catch (error) {
    context.log.error({ err: error, ...factsOf(event) }, 'could not match a provider event');
    return { event, payment: undefined, failed: true };
  }
}

async function processOne(context: Context, counters: EventCounters, item: Item): Promise<void> {
  const { event } = item;
  try {
    const verdict = item.failed ? FAILED : await weigh(context, item);
    context.config.failpoint('provider-event.after-settle');
    const state = await conclude(context.pool, event, verdict);
    if (state !== undefined) report(context, counters, event, verdict, state);
  } catch (error) {
    // It stays claimed until its lease ends and is then taken up again.
    context.log.error({ err: error, ...factsOf(event) }, 'could not conclude a provider event');
  }
}

const FAILED = waiting('its processing failed; see the log');

async function weigh(context: Context, { event, payment }: Item): Promise<Verdict> {
  try {
    return await weighEvent(context, event, payment);
  } catch (error) {
    context.log.error({ err: error, ...factsOf(event) }, 'could not process a provider event');
    return payment === undefined ? FAILED : { ...FAILED, paymentId: payment.id };
  }
}

function factsOf({ merchantId, id, provider, providerAccountId, fact, attempts, requestId }: PendingEvent) {
  return {
    merchantId,
    eventId: id,
    provider,
    providerAccountId,
    providerEventId: fact.eventId,
    type: fact.type,
    attempts,
    requestId,
  };
}

function report(
  context: Context,
  counters: EventCounters,
  event: PendingEvent,
  verdict: Verdict,
  state: EventState,
): void {
  counters.concluded(event.provider, state);
  const facts = { ...factsOf(event), state, reason: verdict.reason, paymentId: verdict.paymentId };
  switch (state) {
    case 'mismatch':
      counters.mismatch(event.provider);
      return context.log.error(facts, 'a provider contradicts our record: a person must look');
    case 'parked':
      return context.log.error(
        facts,
        `a provider event could not be processed for ${PARKED_AFTER_HOURS} hours: a person must look`,
      );
    case 'processed':
    case 'received':
    case 'unmatched':
      return context.log.debug(facts, 'provider event looked at');
    default:
      throw new Error(`no words for ${String(state satisfies never)}`);
  }
}
