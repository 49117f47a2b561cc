import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { CaptureMethod } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { FollowUp } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromServiceError, isServiceError } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { resolveDue } from '../operations/resolve-unknown.ts';
import { STATUSES, toStatusMessage } from '../payments/payment.ts';
import { readBooks } from '../testing/books.ts';
import { ALL_EXTRAS, ask as askService, createRequest, paymentOptions } from '../testing/follow-ups.ts';
import { eur, fingerprint, followUpOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { violations } from '../testing/verify-books.ts';
import type { Told } from '../testing/verify-books.ts';
import type { Hotel, World } from '../testing/world.ts';
import type { State } from './amount-courses.ts';
import { ask, rest } from './reference-model.ts';
import type { Expected, Model } from './reference-model.ts';
import { viewOf } from './reference-payment.ts';
import type { View } from './reference-payment.ts';
import type { Request } from './reference-refusals.ts';

/** One step of a sequence; `nth` chooses among what there is so far. */
export type Step =
  | { step: 'new'; request: Extract<Request, { isCardGood: boolean }> }
  | {
      step: 'on';
      nth: number;
      kind: 'pay' | 'void' | 'capture' | 'refund' | 'adjust';
      amount: number | undefined;
      keepOpen: boolean;
    }
  | { step: 'repeat'; nth: number; isSame: boolean }
  | { step: 'rest' | 'restart' };

/** Where sequences run: a restart puts a new service in the place of the old one. */
export type Bench = { world: World; service: TestService };

type Run = {
  bench: Bench;
  hotel: Hotel;
  model: Model;
  requests: Map<string, Request>;
  payments: string[];
  refused: Set<string>;
};

/** A bench without loops: the sequence says when time goes by. */
export async function openBench(world: World): Promise<Bench> {
  return { world, service: await startQuiet(world) };
}

async function startQuiet(world: World): Promise<TestService> {
  return await startTestService(world, { sweepIntervalMs: 3_600_000, holdIntervalMs: 3_600_000 });
}

/** Lets the service and the model do the same, compares each answer, and at the end everything that is stored. */
export async function runSequence(bench: Bench, steps: readonly Step[]): Promise<void> {
  const hotel = await bench.world.simulatorHotel();
  const run: Run = {
    bench,
    hotel,
    model: new Map(),
    requests: new Map(),
    payments: [],
    refused: new Set(),
  };
  try {
    for (const step of steps) await take(run, step);
  } finally {
    // Also after a failure: what it leaves open would be a failure of the next sequence, and hide this one.
    await goToRest(run);
  }
  await compareAll(run);
}

async function take(run: Run, step: Step): Promise<void> {
  switch (step.step) {
    case 'new':
      return await compare(run, randomUUID(), step.request);
    case 'on': {
      const on = run.payments[step.nth % run.payments.length];
      return on === undefined ? undefined : await compare(run, randomUUID(), requestOn(on, step));
    }
    case 'repeat': {
      const keys = [...run.requests.keys()];
      const key = keys[step.nth % keys.length];
      const request = key === undefined ? undefined : run.requests.get(key);
      if (key === undefined || request === undefined) return undefined;
      return await compare(run, key, step.isSame ? request : { ...request });
    }
    case 'rest':
      return await goToRest(run);
    case 'restart':
      // A new sweeper looks at once; here time goes by only when the sequence says so.
      await run.bench.world.admin.query(
        `update operations set due_at = now() + interval '1 h' where state not in ('succeeded', 'declined')`,
      );
      await run.bench.service.close();
      run.bench.service = await startQuiet(run.bench.world);
      return undefined;
    default:
      throw new Error(`no step ${JSON.stringify(step satisfies never)}`);
  }
}

function requestOn(on: string, { kind, amount, keepOpen }: Extract<Step, { step: 'on' }>): Request {
  switch (kind) {
    case 'pay':
    case 'void':
      return { kind, on };
    case 'capture':
      return { kind, on, amount, keepOpen };
    case 'refund':
      return { kind, on, amount };
    case 'adjust':
      return { kind, on, amount: amount ?? 30_000 };
    default:
      throw new Error(`no request of ${String(kind satisfies never)}`);
  }
}

/** The same call to both. An equal request under a known key has the same fingerprint; any other has not. */
async function compare(run: Run, key: string, request: Request): Promise<void> {
  const isSame = run.requests.get(key) === undefined || run.requests.get(key) === request;
  const expected = ask(run.model, key, request);
  const actual = await call(run, key, request, isSame);
  assert.deepEqual(actual, withoutUntold(expected, request), `${JSON.stringify(request)} with key ${key}`);
  if (!run.model.has(key)) return void run.refused.add(key);
  if (!run.requests.has(key) && !('on' in request)) run.payments.push(key);
  if (isSame) run.requests.set(key, request);
}

type Actual = { refusal: string } | { state?: State; view: View };

/** What makes a payment is answered with the payment alone. */
function withoutUntold(expected: Expected, { kind }: Request): Actual {
  if ('refusal' in expected) return expected;
  const isFirst = kind === 'create' || kind === 'sale' || kind === 'authorize' || kind === 'pay';
  return isFirst ? { view: expected.view } : expected;
}

async function call(run: Run, key: string, request: Request, isSame: boolean): Promise<Actual> {
  try {
    return await send(run, key, request, fingerprint(isSame ? 'a request' : 'another request'));
  } catch (error) {
    if (!isServiceError(error)) throw error;
    return { refusal: fromServiceError(error).code };
  }
}

async function send(run: Run, key: string, request: Request, requestFingerprint: Buffer): Promise<Actual> {
  const { bench, hotel } = run;
  const { service } = bench;
  const identity = { operationId: key, requestFingerprint };
  const options = paymentOptions({ extras: { ...ALL_EXTRAS, overcapture: false } });
  switch (request.kind) {
    case 'create': {
      const captureMethod = request.manual
        ? CaptureMethod.CAPTURE_METHOD_MANUAL
        : CaptureMethod.CAPTURE_METHOD_AUTOMATIC;
      const change = { ...identity, amount: eur(request.amount), captureMethod, options };
      return seen(await service.createPayment(createRequest(hotel, change)));
    }
    case 'sale':
    case 'authorize': {
      const card = request.isCardGood ? 'sim_card_visa' : 'sim_card_declined';
      const asked = saleRequest(hotel, card, { ...identity, amount: eur(request.amount), options });
      return seen(request.kind === 'sale' ? await service.sale(asked) : await service.authorize(asked));
    }
    case 'pay': {
      const asked = saleRequest(hotel, 'sim_card_visa', {
        ...identity,
        paymentId: await paymentIdOf(run, request.on),
      });
      return seen(await service.authorize(asked));
    }
    default: {
      const followUp: FollowUp = followUpOf(hotel, await paymentIdOf(run, request.on), identity);
      const amount = 'amount' in request ? eur(request.amount) : undefined;
      const keepOpen = request.kind === 'capture' && request.keepOpen;
      const reply = await askService(service, request.kind, followUp, { amount, keepOpen });
      return { state: STATES[reply.state] ?? 'open', ...seen(reply) };
    }
  }
}

const STATES: Readonly<Partial<Record<OperationState, State>>> = {
  [OperationState.OPERATION_STATE_SUCCEEDED]: 'succeeded',
  [OperationState.OPERATION_STATE_DECLINED]: 'declined',
};

function seen({ payment }: { payment?: Payment | undefined }): { view: View } {
  assert.ok(payment?.amount);
  const { amount, authorizedMinor, capturedMinor, refundedMinor } = payment;
  const pending = payment.authorizePendingMinor + payment.capturePendingMinor + payment.refundPendingMinor;
  return {
    view: {
      status: STATUSES.find((status) => toStatusMessage(status) === payment.status) ?? 'unknown',
      amount: Number(amount.amountMinor),
      authorized: Number(authorizedMinor),
      captured: Number(capturedMinor),
      refunded: Number(refundedMinor),
      pending: Number(pending),
    },
  };
}

/** Also of a payment whose caller was only told that nothing was sent. */
async function paymentIdOf({ bench, hotel }: Run, key: string): Promise<string> {
  const { rows } = await bench.world.admin.query<{ payment_id: string }>(
    `select payment_id from operations where merchant_id = $1 and id = $2`,
    [hotel.merchantId, key],
  );
  return toPublicId('pay', rows[0]?.payment_id ?? '');
}

// A stale lookup, a proof of absence and a void that waits for both are three looks; twice that is never needed.
const LOOKS_MAX = 8;

/** Hours go by: every look is due, absences are old, banks have decided. */
async function goToRest({ bench, model }: Run): Promise<void> {
  const { world } = bench;
  rest(model);
  for (let look = 1; look <= LOOKS_MAX; look += 1) {
    const { rowCount } = await world.admin.query(
      `update operations set due_at = now() - interval '1 s', absent_since = absent_since - interval '1 h'
        where state not in ('succeeded', 'declined')`,
    );
    if (rowCount === 0) return;
    await letBanksDecide(world);
    // The first look is one sweeper's, so that what a single look may conclude is seen too.
    await (look === 1 ? resolveDue(bench.service.context) : sweepTwice(bench));
  }
}

/**
 * The first sweeper seems to sleep past its lease, so a second takes up what it holds, and asks at the same time: only one of
 * them may settle it.
 */
async function sweepTwice({ world, service }: Bench): Promise<void> {
  const sweep = { isOver: false };
  const first = resolveDue(service.context).finally(() => (sweep.isOver = true));
  let taken: number | null = 0;
  while (!sweep.isOver && taken === 0)
    ({ rowCount: taken } = await world.admin.query(
      `update operations set due_at = now() - interval '1 s'
        where state not in ('succeeded', 'declined') and due_at > now()`,
    ));
  await Promise.all([first, resolveDue(service.context)]);
}

/** The simulator's journal is append-only even for its owner, so its clock is moved as the superuser without triggers. */
async function letBanksDecide({ admin }: World): Promise<void> {
  const client = await admin.connect();
  try {
    await client.query(`set session_replication_role = replica`);
    await client.query(
      `update simulator_effects set settles_at = created_at where settles_at > clock_timestamp()`,
    );
    await client.query(`set session_replication_role = origin`);
  } finally {
    client.release();
  }
}

/** Every payment and operation is as the model has it, and the books agree with what the provider did. */
async function compareAll(run: Run): Promise<void> {
  const { bench, hotel, model } = run;
  const { world, service } = bench;
  const told: Told[] = [...run.refused].map((operationId) => ({ operationId, answer: 'refused' }));
  for (const [operationId, { state }] of model) {
    assert.ok(state === 'succeeded' || state === 'declined', 'the model is at rest');
    told.push({ operationId, answer: state });
  }
  for (const key of run.payments) {
    const payment = model.get(key)?.payment;
    assert.ok(payment);
    assert.deepEqual(
      seen({ payment: await service.get(hotel, await paymentIdOf(run, key)) }).view,
      viewOf(payment),
    );
  }
  assert.deepEqual(violations(await readBooks(world, hotel), told), []);
}
