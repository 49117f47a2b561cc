import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Hotel } from '@centra/dev/seed.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { effectsOn, newPayment, operate, readPayment, storedSteps } from './operations-under-test.ts';
import type { PaymentBook } from './operations-under-test.ts';
import { call, card, onboardHotel, rows, startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

// Promise P2 for everything that is not a sale (crash.test.ts). The lease is as short as one call to a provider allows.
const ENV = { PROVIDER_TIMEOUT_MS: '1500', OPERATION_LEASE_MS: '3400', SWEEP_INTERVAL_MS: '100' };

let platform: PlatformUnderTest;
let hotel: Hotel;
before(async () => {
  platform = await startPlatformUnderTest({ onCrash: () => {}, env: { transaction: ENV } });
  hotel = await onboardHotel(platform);
});
after(async () => await platform.end());

type Operation = {
  kind: string;
  /** What the payment must be before; undefined: the operation makes it. */
  on: 'hold' | 'sale' | undefined;
  path: (payment: PaymentBook | undefined) => string;
  body: Record<string, unknown>;
  effect: string;
  /** What the payment is afterwards. */
  result: Partial<PaymentBook>;
  /** Its two steps, from the crash on. */
  steps: [string, string];
};

const OPERATIONS: readonly Operation[] = [
  {
    kind: 'authorize',
    on: undefined,
    path: () => '/v1/payments',
    body: { amount: 12_550, currency: 'EUR', capture_method: 'manual' },
    effect: 'authorization.succeeded',
    result: { status: 'authorized', amount_authorized: 12_550, amount_captured: 0 },
    steps: ['1 payment.created', '2 payment.authorized'],
  },
  {
    kind: 'capture',
    on: 'hold',
    path: (payment) => `/v1/payments/${payment?.id}/capture`,
    body: { amount: 4_000, currency: 'EUR', keep_open: true },
    effect: 'capture.succeeded',
    result: { status: 'partially_captured', amount_captured: 4_000, amount_capture_pending: 0 },
    steps: ['3 payment.capture_requested', '4 payment.captured'],
  },
  {
    kind: 'void',
    on: 'hold',
    path: (payment) => `/v1/payments/${payment?.id}/cancel`,
    body: { reason: 'requested_by_customer' },
    effect: 'authorization.released',
    result: { status: 'canceled', amount_captured: 0, cancellation_reason: 'requested_by_customer' },
    steps: ['3 payment.cancel_requested', '4 payment.canceled'],
  },
  {
    kind: 'refund',
    on: 'sale',
    path: (payment) => `/v1/payments/${payment?.id}/refund`,
    body: { amount: 4_000, currency: 'EUR' },
    effect: 'refund.succeeded',
    result: { status: 'partially_refunded', amount_refunded: 4_000, amount_refund_pending: 0 },
    steps: ['3 payment.refund_requested', '4 payment.refunded'],
  },
  {
    kind: 'adjust',
    on: 'hold',
    path: (payment) => `/v1/payments/${payment?.id}/adjust`,
    body: { amount: 15_000, currency: 'EUR' },
    effect: 'authorization.incremented',
    result: { status: 'authorized', amount: 15_000, amount_authorized: 15_000, amount_authorize_pending: 0 },
    steps: ['3 payment.adjust_requested', '4 payment.adjusted'],
  },
];

const POINTS = [
  { point: 'before-write-1', stored: false },
  { point: 'after-write-1', stored: true },
  { point: 'after-provider', stored: true },
  { point: 'after-write-2', stored: true },
];

for (const operation of OPERATIONS)
  for (const { point, stored } of POINTS)
    test(`1-4: the transaction process killed at ${operation.kind}.${point} settles after its restart with exactly one effect`, async () => {
      const reference = `CRASH-${operation.kind}-${point}`;
      const payment = await prepare(operation, reference);
      await restart(`${operation.kind}.${point}`);
      const key = randomUUID();
      const isNew = { card_token: await card(platform, hotel), booking_reference: reference };
      const body = payment === undefined ? { ...operation.body, ...isNew } : operation.body;
      const path = operation.path(payment);
      const pid = platform.child('transaction').pid();
      const interrupted = operate(platform, hotel, path, body, key);
      await waitFor('the process to die', async () => (isAlive(pid) ? undefined : true), 60_000);
      assert.equal(await countOperations(reference, operation.kind), stored ? 1 : 0, 'what the crash left');
      await platform.child('transaction').start({ FAILPOINT: '' });
      const answer = await interrupted;
      assert.ok([200, 201, 202, 409, 500, 503].includes(answer.status), answer.text);
      // The client does what the documentation says: the same request with the same key until it has an outcome.
      await waitFor(
        'an outcome under the same key',
        async () => {
          const { status } = await operate(platform, hotel, path, body, key);
          return status === 200 || status === 201 ? true : undefined;
        },
        60_000,
      );
      const settled = await readPayment(platform, hotel, payment?.id ?? (await idOf(reference)));
      for (const [name, value] of Object.entries(operation.result)) assert.equal(settled[name], value, name);
      assert.equal((await effectsOn(platform, settled, operation.effect)).length, 1);
      const { events, outbox } = await storedSteps(platform, reference);
      assert.deepEqual(outbox, events);
      assert.deepEqual(events.slice(-2), operation.steps);
      assert.equal(await countOperations(reference, operation.kind), 1);
    });

async function prepare({ on }: Operation, reference: string): Promise<PaymentBook | undefined> {
  if (on === undefined) return undefined;
  await untilReached();
  const capture_method = on === 'hold' ? 'manual' : 'automatic';
  return await newPayment(platform, hotel, { capture_method, booking_reference: reference });
}

async function restart(failpoint: string): Promise<void> {
  const transaction = platform.child('transaction');
  await transaction.stop();
  await transaction.start({ FAILPOINT: failpoint });
  await untilReached();
}

/** The doors before it have noticed that it is back. */
async function untilReached(): Promise<void> {
  await waitFor(
    'transaction to be reached again',
    async () => {
      const { status } = await call(platform, 'GET', '/v1/payments?limit=1', { apiKey: hotel.apiKey });
      return status === 200 ? true : undefined;
    },
    60_000,
  );
}

async function countOperations(reference: string, kind: string): Promise<number> {
  const [row] = await rows(
    platform,
    'transaction',
    `select count(*)::int as count from operations o
       join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
      where p.booking_reference = $1 and o.kind = $2`,
    z.object({ count: z.int() }),
    [reference, kind],
  );
  return row?.count ?? -1;
}

async function idOf(reference: string): Promise<string> {
  const path = `/v1/payments?booking_reference=${reference}`;
  const { json } = await call(platform, 'GET', path, { apiKey: hotel.apiKey });
  const [payment] = z.object({ data: z.array(z.object({ id: z.string() })) }).parse(json).data;
  return payment?.id ?? '';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
