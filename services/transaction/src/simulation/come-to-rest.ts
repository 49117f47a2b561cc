import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { settleUnknownOperation } from '../operations/settle-unknown-operation.ts';
import type { BankPayment } from './bank-rules.ts';
import { wantsAnswer } from './client.ts';
import { asksOf, deliver, drain, startCall, startLoop } from './play.ts';
import type { Run } from './play.ts';
import { execute } from './simulated-pool.ts';
import type { World } from './world.ts';

// Planned retries, slow refunds and holds that run out are some dozens of looks; a run that needs more turns in a circle.
const ROUNDS_MAX = 150;
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 6 * 60 * 60_000;

/**
 * Everything works again. Time goes by until nothing is open any more, or for so long that it never will; then each client
 * asks once more for what it wanted.
 */
export async function comeToRest(run: Run): Promise<void> {
  const { world } = run;
  world.faults.heal();
  world.tell('        everything works again');
  await drain(world);
  const waitsForHolds = world.dice.chance(0.5);
  let pauseMs = PAUSE_MIN_MS;
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    for (const ask of asksOf(run).filter(wantsAnswer)) startCall(run, ask);
    await turnLoops(run);
    const open = await readOpen(world);
    if (!isCallUnderWay(world)) await askPeople(run, open.escalated);
    const isQuiet = open.operations === 0 && open.events === 0 && world.webhooks.length === 0;
    if (isQuiet && world.timers.length === 0) break;
    if (isQuiet && !waitsForHolds && world.timers.every(({ label }) => label.includes('hold'))) break;
    // To the next thing that is due; a little further each time, so that what asks again and again gets somewhere.
    const nextTimerMs = Math.min(...world.timers.map(({ atMs }) => atMs - world.nowMs()));
    const dueMs = Math.min(open.dueInMs ?? Infinity, nextTimerMs);
    pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 1.3);
    world.advance(Math.ceil(Number.isFinite(dueMs) ? Math.max(dueMs, pauseMs) : pauseMs));
  }
  const answered = asksOf(run).filter(({ calls }) => calls.at(-1)?.end.kind === 'answered');
  for (const ask of answered) startCall(run, ask);
  await drain(world);
}

/** One round of each loop that has something to do. */
async function turnLoops(run: Run): Promise<void> {
  const { world } = run;
  for (const webhook of world.webhooks) deliver(run, webhook);
  await drain(world);
  const { operations, events, holds } = await readOpen(world);
  const instance = world.dice.oneOf(run.instances);
  if (operations > 0) startLoop(run, instance, 'sweep');
  if (events > 0) startLoop(run, instance, 'events');
  if (holds > 0) startLoop(run, instance, 'holds');
  await drain(world);
}

/** Nobody gives a verdict while a call may still arrive. */
function isCallUnderWay({ timers }: World): boolean {
  return timers.some(({ label }) => label.startsWith('receives'));
}

type Open = {
  operations: number;
  events: number;
  holds: number;
  dueInMs: number | undefined;
  escalated: string[];
};

async function readOpen(world: World): Promise<Open> {
  const { rows } = await execute<OpenRow>(world, {
    name: 'simulation-open',
    text: `
      with open as (
        select id::text, due_at, escalated_at from operations
         where merchant_id = $1 and state in ('prepared', 'sent', 'unknown')
      ), events as (
        select due_at from provider_events where merchant_id = $1 and state in ('received', 'unmatched')
      ), holds as (
        select coalesce(hold_due_at, hold_expires_at) as due_at from payments where merchant_id = $1 and hold_open
      )
      select (select count(*)::int from open) as operations, (select count(*)::int from events) as events,
             (select count(*)::int from holds) as holds,
             (select coalesce(array_agg(id order by id), '{}') from open where escalated_at is not null) as escalated,
             (select (extract(epoch from min(due_at) - now()) * 1000)::float8 from (
               select due_at from open union all select due_at from events union all select due_at from holds) d) as due_in_ms`,
    values: [world.hotel.merchantId],
  });
  const row = rows[0];
  if (row === undefined) throw new Error('a count without a row');
  return { ...row, dueInMs: row.due_in_ms ?? undefined };
}

type OpenRow = {
  operations: number;
  events: number;
  holds: number;
  escalated: string[];
  due_in_ms: number | null;
};

/** A hold that the bank let go of before anybody knew of it: nothing is held and nothing was taken. */
function ranOut(payments: readonly BankPayment[], operationId: string): boolean {
  const own = payments.find((payment) => payment.operationId === operationId);
  return own?.state === 'canceled' && own.canceledBy === 'expiry';
}

/** What waits for a person is settled by one who has looked at the bank's own record. */
async function askPeople(run: Run, escalated: readonly string[]): Promise<void> {
  const { world } = run;
  const [instance] = run.instances;
  if (instance === undefined) throw new Error('nobody to ask');
  for (const operationId of escalated) {
    const bank = Object.values(world.desks).map((desk) => desk.bank);
    const found = bank.map((own) => own.find({ operationId })).find(({ kind }) => kind !== 'absent');
    const isGone = bank.some(({ payments }) => ranOut([...payments.values()], operationId));
    if (isGone) run.ranOutUnseen.add(operationId);
    const happened = !isGone && (found?.kind === 'succeeded' || found?.kind === 'pending');
    world.tell(`person  settles ${operationId}: it ${happened ? 'happened' : 'did not happen'}`);
    settleUnknownOperation(instance.context, {
      merchantId: world.hotel.merchantId,
      mode: Mode.MODE_TEST,
      operationId: toPublicId('op', operationId),
      happened,
      evidence: 'seen in the own record of the simulated bank',
      providerReference:
        found !== undefined && 'providerReference' in found ? (found.providerReference ?? '') : '',
      origin: { actor: 'user:simulation', requestId: 'req_person', address: '' },
    }).then(
      ({ state }) => world.tell(`person  settled ${operationId}: ${state}`),
      (error: unknown) =>
        world.tell(`person  is refused: ${error instanceof Error ? error.message : 'no error'}`),
    );
    await drain(world);
  }
}
