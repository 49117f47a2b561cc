import { toAppError } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { endOverdueHolds } from '../holds/end-holds.ts';
import { remindOfHolds } from '../holds/watch-holds.ts';
import { resolveDue } from '../operations/resolve-unknown.ts';
import { processDueEvents } from '../provider-events/process-provider-events.ts';
import { receiveProviderEvent } from '../provider-events/receive-provider-event.ts';
import { mayAsk, planJourneys } from './client.ts';
import type { Ask, Call, Journey } from './client.ts';
import { send } from './client-asks.ts';
import type { WaitingStep } from './scheduler.ts';
import { execute } from './simulated-pool.ts';
import type { Instance, Webhook, World } from './world.ts';

/** A run under way: its clients, and the processes that serve them. */
export type Run = {
  world: World;
  journeys: Journey[];
  instances: Instance[];
  /** Instances started so far, those that died included. */
  started: number;
  /** Holds that a person found gone, so that they were called "not charged". */
  ranOutUnseen: Set<string>;
  /** Refusals that promise something, still to be held against the record. */
  doubtful: { ask: Ask; call: Call; code: string }[];
  /** What was seen to be wrong while it happened. */
  faults: string[];
};

const INSTANCES = 2;
// Far more than any run needs; one that comes here is stuck in a circle, and its checks will say so.
const ACTIONS_MAX = 400;
/** As long as an operation belongs to its holder, and a little. */
const PAST_LEASE_MS = 95_000;
const HOUR_MS = 60 * 60_000;

export function startRun(world: World): Run {
  const run: Run = {
    world,
    journeys: planJourneys(world.dice, world.hotel),
    instances: [],
    started: 0,
    ranOutUnseen: new Set(),
    doubtful: [],
    faults: [],
  };
  for (let count = 0; count < INSTANCES; count += 1) startInstance(run);
  for (const journey of run.journeys)
    for (const ask of journey.asks) world.story.name(ask.operationId, ask.name);
  return run;
}

function startInstance(run: Run): void {
  run.started += 1;
  run.instances.push(run.world.newInstance(`I${run.started}`));
}

/** Clients ask, loops turn, time goes by and things break, in an order that only the seed knows. */
export async function play(run: Run): Promise<void> {
  const { world } = run;
  for (let count = 0; count < ACTIONS_MAX; count += 1) {
    const steps = await ready(world);
    const asks = asksOf(run).filter((ask) => mayAsk(ask, world.dice.chance(0.1)));
    const isOver = steps.length === 0 && asks.length === 0;
    if (isOver && world.dice.chance(0.2)) return;
    const action = world.dice.weighted<() => void | Promise<void>>([
      [steps.length === 0 ? 0 : 60, async () => await takeOne(world, steps)],
      [asks.length === 0 ? 0 : 10, () => startCall(run, world.dice.oneOf(asks))],
      [2, () => repeatSomething(run)],
      [4, () => startLoop(run, oneInstance(run), 'sweep')],
      [3, () => startLoop(run, oneInstance(run), 'events')],
      [1, () => startLoop(run, oneInstance(run), 'holds')],
      [world.webhooks.length === 0 ? 0 : 5, () => deliver(run, world.dice.oneOf(world.webhooks))],
      [4, async () => await letTimePass(run)],
      [1, () => crash(run, oneInstance(run))],
    ]);
    await action();
    await world.scheduler.waiting();
    await checkPromises(run);
  }
}

/** What may be taken next, in an order that does not depend on who came to its step first. */
async function ready(world: World): Promise<WaitingStep[]> {
  const steps = await world.scheduler.waiting();
  if (steps.length < 2) return [...steps];
  const keyed = steps.map((step) => ({ step, key: `${step.instance} ${world.story.peek(step.label)}` }));
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ step }) => step);
}

// A statement or half a call to a provider.
const STEP_MAX_MS = 40;

async function takeOne(world: World, steps: readonly WaitingStep[]): Promise<void> {
  world.advance(world.dice.between(1, STEP_MAX_MS));
  await world.dice.oneOf(steps).take();
}

/** Everybody comes to the end of what they began. */
export async function drain(world: World): Promise<void> {
  for (let steps = await ready(world); steps.length > 0; steps = await ready(world))
    await takeOne(world, steps);
}

export function asksOf(run: Run): Ask[] {
  return run.journeys.flatMap(({ asks }) => asks);
}

function oneInstance({ world, instances }: Run): Instance {
  return world.dice.oneOf(instances);
}

/** A client calls an instance. It hears an answer, a refusal, or nothing. */
export function startCall(run: Run, ask: Ask): void {
  const { world } = run;
  const { name, context } = oneInstance(run);
  const call: Call = { instance: name, end: { kind: 'running' } };
  const first = ask.calls.length === 0 ? '' : ' again';
  ask.calls.push(call);
  world.tell(`client  asks ${name}${first}: ${ask.kind} ${ask.name} ${ask.amountMinor ?? ''}`);
  const end = (to: Call['end'], words: string): void => {
    // Its instance may have died in the meantime.
    if (call.end.kind !== 'running') return;
    call.end = to;
    world.tell(`client  is told of ${ask.name}: ${words}`);
  };
  send(context, ask, ask.journey.paymentId ?? '').then(
    (reply) => {
      ask.journey.paymentId ??= reply.paymentId;
      end({ kind: 'answered', reply }, reply.view);
    },
    (error: unknown) => {
      const { code, extra, message } = toAppError(error);
      if (call.end.kind === 'running' && SURELY_NOT_SENT.has(code)) run.doubtful.push({ ask, call, code });
      const told = extra?.['payment_id'];
      if (typeof told === 'string') ask.journey.paymentId ??= told;
      end({ kind: 'refused', code }, code === 'internal' ? `${code} (${message})` : code);
    },
  );
}

// 503: whoever hears it may take another key, or another card.
const SURELY_NOT_SENT: ReadonlySet<string> = new Set(['unavailable', 'provider_unreachable']);

/** Holds each promise that nothing was sent against what is stored; `create` sends nothing anyhow. */
async function checkPromises(run: Run): Promise<void> {
  const { world } = run;
  for (const { ask, code } of run.doubtful.splice(0)) {
    // What became of a call before is not what a repeated call promises.
    if (ask.calls.length > 1 || ask.kind === 'create') continue;
    const values = [world.hotel.merchantId, ask.operationId];
    const text = `select from operations where merchant_id = $1 and id = $2 and state in ('sent', 'unknown', 'succeeded')`;
    const { rowCount } = await execute(world, { name: 'simulation-promise', text, values });
    if (rowCount !== 0)
      run.faults.push(`I4 ${ask.name} was told ${code}, which says that nothing is done, and it is`);
  }
}

/** The same key again: after a lost answer, or because somebody clicked twice. */
function repeatSomething(run: Run): void {
  const asked = asksOf(run).filter(({ calls }) => calls.length > 0);
  if (asked.length > 0) startCall(run, run.world.dice.oneOf(asked));
}

const COUNTERS = { concluded() {}, mismatch() {} };

/** One round of a loop, unless that instance is still at its last one. */
export function startLoop(
  run: Run,
  { name, context, loops }: Instance,
  loop: 'sweep' | 'events' | 'holds',
): void {
  if (loops.has(loop)) return;
  loops.add(loop);
  const rounds = {
    sweep: async () => await resolveDue(context),
    events: async () => await processDueEvents(context, COUNTERS),
    holds: async () => (await endOverdueHolds(context)) + (await remindOfHolds(context)),
  };
  rounds[loop]().then(
    () => loops.delete(loop),
    (error: unknown) => {
      // As the loop does: the round is over, the next comes.
      run.world.tell(
        `${name}  round of ${loop} fails: ${error instanceof Error ? error.message : 'no error'}`,
      );
      loops.delete(loop);
    },
  );
}

/** A webhook comes, perhaps for a second time; one that is not answered with a yes comes again. */
export function deliver(run: Run, webhook: Webhook): void {
  const { world } = run;
  const { name, context } = oneInstance(run);
  webhook.deliveries += 1;
  world.tell(`webhook ${webhook.eventId} comes to ${name}`);
  receiveProviderEvent(context, {
    provider: 'keyed',
    providerAccountId: toPublicId('pa', world.hotel.accounts.keyed),
    rawBody: Buffer.from(webhook.eventId),
    headers: {},
    origin: { actor: 'provider:keyed', requestId: 'req_webhook', address: '' },
  }).then(
    () => {
      const index = world.webhooks.indexOf(webhook);
      const comesAgain = world.faults.strikes('webhook_repeated');
      if (index >= 0 && !comesAgain) world.webhooks.splice(index, 1);
    },
    () => world.tell(`webhook ${webhook.eventId} is refused`),
  );
}

async function letTimePass(run: Run): Promise<void> {
  const { world } = run;
  const ms = world.dice.weighted([
    [5, world.dice.between(100, 3_000)],
    [4, world.dice.between(3_000, 70_000)],
    // Whoever is in the middle of something has slept past its lease.
    [3, PAST_LEASE_MS],
    [1, world.dice.between(HOUR_MS, 72 * HOUR_MS)],
  ]);
  // A process that sleeps for an hour is dead long before: its sockets are closed.
  if (ms >= HOUR_MS) await drain(world);
  world.tell(`time    ${Math.round(ms / 1_000)} s go by`);
  world.advance(ms);
}

/** The process is killed and another takes its place. Its callers hear nothing. */
function crash(run: Run, dying: Instance): void {
  run.world.tell(`crash   of ${dying.name}`);
  run.world.scheduler.kill(dying.name);
  run.instances = run.instances.filter((instance) => instance !== dying);
  for (const ask of asksOf(run))
    for (const call of ask.calls)
      if (call.instance === dying.name && call.end.kind === 'running') call.end = { kind: 'lost' };
  startInstance(run);
}
