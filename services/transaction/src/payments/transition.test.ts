import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createLog } from '@centra/service-kit/log.ts';
import { createPool, violatedConstraint } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { DatabaseError } from 'pg';
import { databaseRoles, migrate, migrationsFolder } from '../migrate.ts';
import { createOperationWriter } from '../operations/begin-operation.ts';
import type { NewOperation, OperationWriter } from '../operations/begin-operation.ts';
import { findOperation } from '../operations/operation.ts';
import type { Operation } from '../operations/operation.ts';
import { fingerprint } from '../testing/test-service.ts';
import type { FollowUpAttempt } from '../providers/provider.ts';
import { STATUSES } from './payment.ts';
import type { Hold, Status } from './payment.ts';
import { createTransitionWriter, ILLEGAL_MOVE_STATE, LEGAL_MOVES, NO_SUMS } from './transition.ts';
import type { Transition, TransitionWriter } from './transition.ts';

const LEASE_MS = 60_000;

let database: TestDatabase;
let pool: Pool;
/** As the superuser, to bring payments into states that no legal move leads to. */
let admin: Pool;
let begin: OperationWriter;
let write: TransitionWriter;

before(async () => {
  database = await createTestDatabase({
    service: 'transaction',
    roles: databaseRoles,
    migrationsFolder,
    migrate,
  });
  const log = createLog('test', 'silent');
  pool = createPool({ url: database.url, max: 4, applicationName: 'test', log });
  admin = createPool({ url: database.adminUrl, max: 2, applicationName: 'test', log });
  begin = createOperationWriter(pool, LEASE_MS);
  write = createTransitionWriter(pool);
});
after(async () => {
  await pool.end();
  await admin.end();
  await database.drop();
});

function newOperation(change: Partial<NewOperation> = {}): NewOperation {
  const operation: NewOperation = {
    merchantId: randomUUID(),
    operationId: randomUUID(),
    paymentId: newUuid(),
    kind: 'sale',
    mode: 'test',
    fingerprint: fingerprint('x'),
    amountMinor: 10_000n,
    currency: 'EUR',
    cardToken: 'token',
    returnUrl: undefined,
    options: {},
    initiation: 'customer',
    originalNetworkTransactionId: undefined,
    quoteId: undefined,
    quoteHash: undefined,
    bookingReference: 'BK',
    guest: { name: '', email: '' },
    description: '',
    metadata: {},
    provider: 'simulator',
    providerAccountId: randomUUID(),
    providerAccountVersion: 1,
    vaultAccountId: undefined,
    vaultAccountVersion: undefined,
    actor: '',
    requestId: '',
    address: '',
  };
  return { ...operation, ...change };
}

type StoredSums = { holdOpen: boolean; authorized: bigint; captured: bigint; refunded: bigint };

/** Sums that fit each status; of 100.00 in all. */
function sumsAt(status: Status): StoredSums {
  const [holdOpen, authorized, captured, refunded] = SUMS[status];
  return { holdOpen, authorized, captured, refunded };
}

const SUMS: Readonly<Record<Status, readonly [boolean, bigint, bigint, bigint]>> = {
  created: [false, 0n, 0n, 0n],
  processing: [false, 0n, 0n, 0n],
  requires_action: [false, 0n, 0n, 0n],
  authorized: [true, 10_000n, 0n, 0n],
  partially_captured: [true, 10_000n, 4_000n, 0n],
  succeeded: [false, 10_000n, 10_000n, 0n],
  partially_refunded: [false, 10_000n, 10_000n, 1_000n],
  refunded: [false, 10_000n, 10_000n, 10_000n],
  canceled: [false, 0n, 0n, 0n],
  failed: [false, 0n, 0n, 0n],
};

/** An operation whose payment stands at `status`. */
async function operationAt(status: Status, change: Partial<NewOperation> = {}): Promise<Operation> {
  const operation = newOperation(change);
  await begin(operation);
  const sums = sumsAt(status);
  await admin.query(
    `update payments set status = $2, hold_open = $3, authorized_minor = $4, captured_minor = $5, refunded_minor = $6,
            failure = case when $2 = 'failed' then '{"code":"card_declined"}'::jsonb end,
            cancellation_reason = case when $2 = 'canceled' then 'expired' end,
            next_action = case when $2 = 'requires_action' then '{"redirectUrl":"https://b.example"}'::jsonb end
      where id = $1`,
    [operation.paymentId, status, sums.holdOpen, sums.authorized, sums.captured, sums.refunded],
  );
  return await stored(operation.merchantId, operation.operationId);
}

/** The same of another kind: one that follows the payment's own sale. */
async function followUpAt(kind: FollowUpAttempt['kind'], status: Status): Promise<Operation> {
  const { merchantId, id } = await operationAt(status);
  await admin.query(`update operations set kind = $2 where id = $1`, [id, kind]);
  return await stored(merchantId, id);
}

async function stored(merchantId: string, operationId: string): Promise<Operation> {
  const found = await findOperation({ pool }, merchantId, operationId);
  assert.ok(found);
  return found.operation;
}

const STAY: Transition = {
  operationState: 'sent',
  paymentStatus: undefined,
  eventType: undefined,
  add: NO_SUMS,
  newAmountMinor: undefined,
  hold: undefined,
  settledMinor: undefined,
  providerReference: 'ref_1',
  paymentReference: 'ref_1',
  networkTransactionId: undefined,
  card: undefined,
  failure: undefined,
  redirectUrl: undefined,
  cancellationReason: undefined,
  unknownReason: undefined,
  mayHaveCharged: true,
  dueInMs: 1_000,
  absent: false,
  wipeServiceCode: false,
};

const TERMS: Hold = {
  expiresAt: undefined,
  multipleCapture: true,
  incremental: false,
  overcaptureMinor: 0n,
};

/** A move with the sums that lead from the one status to the other. */
function moveTo(to: Status, from: Status = 'processing', change: Partial<Transition> = {}): Transition {
  const [was, is] = [sumsAt(from), sumsAt(to)];
  return {
    ...STAY,
    operationState: to === 'failed' ? 'declined' : to === 'requires_action' ? 'sent' : 'succeeded',
    paymentStatus: to,
    eventType: `payment.${to}`,
    add: {
      ...NO_SUMS,
      authorized: is.authorized - was.authorized,
      captured: is.captured - was.captured,
      refunded: is.refunded - was.refunded,
    },
    hold: is.holdOpen ? TERMS : 'closed',
    failure: to === 'failed' ? { code: 'card_declined', message: 'no', retryable: false } : undefined,
    redirectUrl: to === 'requires_action' ? 'https://bank.example' : undefined,
    cancellationReason: to === 'canceled' ? 'requested_by_customer' : undefined,
    ...change,
  };
}

/** Everything stored about a payment, to see that nothing moved. */
async function snapshot(operation: Operation): Promise<unknown> {
  const id = operation.payment.id;
  const texts = [
    'select * from payments where id = $1',
    'select * from operations where payment_id = $1',
    'select * from payment_events where payment_id = $1 order by version',
    'select * from outbox where payment_id = $1 order by version',
  ];
  return await Promise.all(texts.map(async (text) => (await admin.query(text, [id])).rows as unknown));
}

async function countFor(table: string, operation: Operation): Promise<number> {
  const { rows } = await admin.query<{ count: number }>(
    `select count(*)::int as count from ${table} where payment_id = $1`,
    [operation.payment.id],
  );
  return rows[0]?.count ?? -1;
}

function isIllegalMove(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === ILLEGAL_MOVE_STATE;
}

describe('every pair of statuses', () => {
  for (const from of STATUSES)
    for (const to of STATUSES)
      // A move onto itself is a step that its sums decide: see below.
      if (from !== to && LEGAL_MOVES[from].includes(to))
        test(`${from} > ${to} is legal: one version more, one history row, one outbox row`, async () => {
          const operation = await operationAt(from);
          const written = await write(operation, moveTo(to, from));
          assert.equal(written.kind === 'written' && written.version, operation.payment.version + 1);
          const now = (await stored(operation.merchantId, operation.id)).payment;
          assert.deepEqual([now.status, now.version], [to, operation.payment.version + 1]);
          assert.deepEqual(
            [await countFor('payment_events', operation), await countFor('outbox', operation)],
            [2, 2],
          );
          const { rows } = await admin.query(
            `select from_status, to_status, authorized_minor, captured_minor, refunded_minor, hold_open
               from payment_events where payment_id = $1 and version = 2`,
            [operation.payment.id],
          );
          const [hold_open, authorized_minor, captured_minor, refunded_minor] = SUMS[to];
          const sums = { hold_open, authorized_minor, captured_minor, refunded_minor };
          assert.deepEqual(rows, [{ from_status: from, to_status: to, ...sums }]);
        });
      else
        test(`${from} > ${to} is illegal: it raises and writes nothing`, async () => {
          const operation = await operationAt(from);
          const stood = await snapshot(operation);
          await assert.rejects(write(operation, moveTo(to, from)), isIllegalMove);
          assert.deepEqual(await snapshot(operation), stood);
        });
});

/** The end of an operation that moved no sums; those of a registered payment that is over say canceled. */
function endOf(kind: FollowUpAttempt['kind'], status: Status): Transition {
  return {
    ...STAY,
    operationState: 'succeeded',
    paymentStatus: 'derived',
    eventType: `payment.${kind}`,
    cancellationReason: status === 'created' ? 'abandoned' : undefined,
  };
}

describe('what an operation that follows a payment may find when it ends', () => {
  const may: Readonly<Record<FollowUpAttempt['kind'], readonly Status[]>> = {
    capture: ['authorized', 'partially_captured'],
    void: ['created', 'authorized', 'partially_captured'],
    refund: ['partially_captured', 'succeeded', 'partially_refunded', 'refunded'],
    adjust: ['authorized'],
  };
  for (const kind of ['capture', 'void', 'refund', 'adjust'] as const)
    for (const status of STATUSES)
      if (may[kind].includes(status))
        test(`a ${kind} ends on a payment that is ${status}, whose sums tell its status`, async () => {
          const operation = await followUpAt(kind, status);
          const written = await write(operation, endOf(kind, status));
          assert.deepEqual(
            [written.kind, written.kind === 'written' && written.status],
            ['written', status === 'created' ? 'canceled' : status],
          );
          assert.equal(await countFor('payment_events', operation), 2);
        });
      else
        test(`a ${kind} cannot end on a payment that is ${status}: it raises and writes nothing`, async () => {
          const operation = await followUpAt(kind, status);
          const stood = await snapshot(operation);
          await assert.rejects(write(operation, endOf(kind, status)), isIllegalMove);
          assert.deepEqual(await snapshot(operation), stood);
        });
});

test('in a batch only the guilty item fails; the others commit', async () => {
  const guilty = await operationAt('succeeded');
  const stood = await snapshot(guilty);
  const good = await Promise.all(Array.from({ length: 8 }, async () => await operationAt('processing')));
  const moves = [...good.slice(0, 4), guilty, ...good.slice(4)];
  const results = await Promise.allSettled(
    moves.map(async (operation) => await write(operation, moveTo('succeeded', operation.payment.status))),
  );
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value.kind : 'failed')),
    moves.map((operation) => (operation === guilty ? 'failed' : 'written')),
  );
  assert.deepEqual(await snapshot(guilty), stood);
  for (const operation of good)
    assert.equal((await stored(operation.merchantId, operation.id)).payment.status, 'succeeded');
});

test('in a batch of first writes only the one the database refuses fails; the others are begun', async () => {
  const good = Array.from({ length: 6 }, () => newOperation());
  // A character that no text of Postgres can hold, and a currency that breaks a constraint.
  const bad = [newOperation({ description: 'a\u0000b' }), newOperation({ currency: 'eur' })];
  const results = await Promise.allSettled([...good.slice(0, 3), ...bad, ...good.slice(3)].map(begin));
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value.kind : 'failed')),
    ['begun', 'begun', 'begun', 'failed', 'failed', 'begun', 'begun', 'begun'],
  );
});

test('two merchants with the same operation id in one batch are told apart', async () => {
  const operationId = randomUUID();
  const current = await operationAt('processing', { operationId });
  const stale = { ...(await operationAt('processing', { operationId })), attempt: 7 };
  const stood = await snapshot(stale);
  const results = await Promise.all([write(current, moveTo('succeeded')), write(stale, moveTo('succeeded'))]);
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ['written', 'superseded'],
  );
  assert.deepEqual(await snapshot(stale), stood);
});

test('I6: an outcome above what was asked for is not written, by the name of the constraint', async () => {
  const operation = await operationAt('processing');
  const stood = await snapshot(operation);
  const add = { ...NO_SUMS, authorized: 10_001n, captured: 10_001n };
  await assert.rejects(
    write(operation, moveTo('succeeded', 'processing', { add })),
    (error) => violatedConstraint(error) === 'payment_authorized',
  );
  assert.deepEqual(await snapshot(operation), stood);
});

test('I11: the history of a payment cannot be changed, deleted or truncated, not even by its owner', async () => {
  const operation = await operationAt('processing');
  const id = operation.payment.id;
  for (const owner of [pool, admin]) {
    await assert.rejects(
      owner.query(`update payment_events set to_status = 'failed' where payment_id = $1`, [id]),
      /append-only/,
    );
    await assert.rejects(
      owner.query(`delete from payment_events where payment_id = $1`, [id]),
      /append-only/,
    );
    await assert.rejects(owner.query(`truncate payment_events`), /append-only/);
  }
  assert.equal(await countFor('payment_events', operation), 1);
});

test('an outbox row cannot be altered, nor removed before it was published; its publication is marked once', async () => {
  const operation = await operationAt('processing');
  const id = operation.payment.id;
  await assert.rejects(
    pool.query(`update outbox set data = '{}' where payment_id = $1`, [id]),
    /append-only/,
  );
  await assert.rejects(pool.query(`update outbox set type = 'x' where payment_id = $1`, [id]), /append-only/);
  await assert.rejects(pool.query(`delete from outbox where payment_id = $1`, [id]), /append-only/);
  await pool.query(`update outbox set published_at = now() where payment_id = $1`, [id]);
  await assert.rejects(
    pool.query(`update outbox set published_at = null where payment_id = $1`, [id]),
    /append-only/,
  );
  await assert.rejects(
    pool.query(`update outbox set published_at = now() where payment_id = $1`, [id]),
    /append-only/,
  );
  await pool.query(`delete from outbox where payment_id = $1`, [id]);
});
