import { randomUUID } from 'node:crypto';
import { mock } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import type { Client } from 'pg';
import type { Context } from '../context.ts';
import { createOperationWriter } from '../operations/begin-operation.ts';
import { createTransitionWriter } from '../payments/transition.ts';
import type { OpenedAccount, ProviderAccounts } from '../providers/provider-account.ts';
import { NO_ROUTING } from '../routing/hotel-routing.ts';
import type { EventFact } from '../providers/provider.ts';
import type { HotelFacts } from './client.ts';
import { createDice } from './dice.ts';
import type { Dice } from './dice.ts';
import { drawFaults } from './faults.ts';
import type { Faults } from './faults.ts';
import { createScheduler } from './scheduler.ts';
import type { Scheduler } from './scheduler.ts';
import { createBank } from './simulated-bank.ts';
import type { BankPayment, BankRefund } from './bank-rules.ts';
import type { Plant } from './plants.ts';
import { createSimulatedPool } from './simulated-pool.ts';
import { CAPABILITY_SETS, createDesk, createSimulatedProvider } from './simulated-provider.ts';
import type { ProviderDesk, ProviderName } from './simulated-provider.ts';
import { createStory } from './story.ts';
import type { Story } from './story.ts';
import { startVirtualClock } from './virtual-clock.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What runs share: one connection, and the parts of a context that no run changes. */
export type Bench = { connection: Client; base: Context; plant: Plant };

/** One process of the service. Its loops take one round at a time, as in life. */
export type Instance = { name: string; context: Context; loops: Set<string> };

type Timer = { atMs: number; label: string; run(): void };
/** A webhook on its way; `deliveries` so far. */
export type Webhook = { eventId: string; deliveries: number };

/** One run: everything that a seed decides. */
export type World = {
  seed: number;
  dice: Dice;
  clock: VirtualClock;
  story: Story;
  scheduler: Scheduler;
  faults: Faults;
  connection: Client;
  hotel: HotelFacts;
  desks: Readonly<Record<ProviderName, ProviderDesk>>;
  webhooks: Webhook[];
  timers: Timer[];
  tell(line: string): void;
  nowMs(): number;
  later(atMs: number, label: string, run: () => void): void;
  /** Time goes by, and what happens by itself meanwhile happens in its order. */
  advance(ms: number): void;
  newInstance(name: string): Instance;
  close(): void;
};

export function createWorld(bench: Bench, seed: number): World {
  const dice = createDice(seed);
  const clock = startVirtualClock();
  // Jitter has dice of its own, so that a look more or less at the clock moves nothing else.
  const jitter = createDice(seed + 1);
  const random = mock.method(Math, 'random', () => jitter.fraction());
  const story = createStory(clock.nowMs());
  const hotel = newHotel(story);
  const timers: Timer[] = [];
  const webhooks: Webhook[] = [];
  const tell = (line: string): void => story.tell(clock.nowMs(), line);
  const later = (atMs: number, label: string, run: () => void): void =>
    void timers.push({ atMs, label, run });
  const nowMs = clock.nowMs;
  const desk = (name: ProviderName): ProviderDesk => {
    const made: ProviderDesk = createDesk(
      name,
      createBank({
        name,
        hasSlowRefunds: CAPABILITY_SETS[name].events,
        dice,
        nowMs,
        later,
        tell: (type, payment, refund) => {
          if (!made.capabilities.events) return;
          const fact = factOf(made, type, payment, refund, nowMs());
          made.facts.set(fact.eventId, fact);
          webhooks.push({ eventId: fact.eventId, deliveries: 0 });
        },
      }),
    );
    return made;
  };
  const parts = { seed, dice, clock, story, hotel, webhooks, timers, tell, later, nowMs };
  const world: World = {
    ...parts,
    connection: bench.connection,
    scheduler: createScheduler(),
    faults: drawFaults(dice),
    desks: { keyed: desk('keyed'), bare: desk('bare') },
    advance(ms) {
      const untilMs = clock.nowMs() + ms;
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        timers.splice(timers.indexOf(next), 1);
        clock.advance(Math.max(0, next.atMs - clock.nowMs()));
        tell(`the bank ${next.label}`);
        next.run();
      }
      clock.advance(Math.max(0, untilMs - clock.nowMs()));
    },
    newInstance: (name) => newInstance(bench, world, name),
    close() {
      random.mock.restore();
      clock.close();
    },
  };
  return world;
}

function newHotel(story: Story): HotelFacts {
  const hotel = { merchantId: randomUUID(), accounts: { keyed: randomUUID(), bare: randomUUID() } };
  story.name(hotel.merchantId, 'hotel');
  for (const [name, id] of Object.entries(hotel.accounts)) story.name(id, `${name} account`);
  return hotel;
}

function newInstance(bench: Bench, world: World, name: string): Instance {
  const pool = createSimulatedPool(name, world);
  const { config } = bench.base;
  const providers = Object.entries(world.desks).map(
    ([provider, desk]) => [provider, createSimulatedProvider(desk, name, world)] as const,
  );
  const context: Context = {
    ...bench.base,
    pool,
    log: createStoryLog(world, name),
    accounts: createSimulatedAccounts(world, name),
    // Every payment of a run names its account.
    routing: { of: async () => NO_ROUTING },
    providers: {
      ...bench.base.providers,
      choose(wanted) {
        const provider = providers.find(([known]) => known === wanted)?.[1];
        if (provider === undefined) throw new AppError('provider_account_missing');
        return provider;
      },
    },
    beginOperation: createOperationWriter(pool, config.operationLeaseMs),
    writeTransition: createTransitionWriter(pool),
    countOutcome() {},
  };
  return { name, context: bench.plant(context), loops: new Set() };
}

/** Only what people must look at is part of the story. */
function createStoryLog(world: World, instance: string): Logger {
  const log = createLog('simulation', 'silent');
  log.error = (...line: unknown[]) =>
    world.tell(`${instance}  logs: ${line.filter((part) => typeof part === 'string').join(' ')}`);
  return log;
}

function createSimulatedAccounts(world: World, instance: string): ProviderAccounts {
  const { hotel, scheduler, faults } = world;
  const open = (id: string): (OpenedAccount & { merchantId: string }) | undefined => {
    const provider = Object.entries(hotel.accounts).find(([, known]) => known === id)?.[0];
    if (provider === undefined) return undefined;
    return { id, version: 1, mode: 'test', provider, credentials: new Map(), merchantId: hotel.merchantId };
  };
  const ask = async (id: string): Promise<(OpenedAccount & { merchantId: string }) | undefined> =>
    await scheduler.ask(instance, `open ${id}`, () => {
      if (!faults.strikes('merchant_away')) return open(id);
      world.tell(`${instance}  open ${id}: the merchant service is away`);
      throw new AppError('unavailable', { retryAfterSeconds: 1 });
    });
  return {
    find: async (_merchantId, _mode, selector) => ('id' in selector ? await ask(selector.id) : undefined),
    resolve: ask,
  };
}

/** What the provider's webhook says: references of both sides, and no amounts that anybody would have to believe. */
function factOf(
  desk: ProviderDesk,
  type: string,
  payment: BankPayment,
  refund: BankRefund | undefined,
  atMs: number,
): EventFact {
  const count = desk.facts.size + 1;
  return {
    eventId: `event_${count}`,
    type,
    factKey: `fact_${count}`,
    about: refund === undefined ? { kind: 'payment' } : { kind: 'refund', refundReference: refund.reference },
    paymentReferences: [payment.reference],
    operationId: refund?.operationId ?? payment.operationId,
    paymentId: payment.paymentId.startsWith('pay_')
      ? payment.paymentId
      : toPublicId('pay', payment.paymentId),
    stated: undefined,
    occurredAt: new Date(atMs),
  };
}
