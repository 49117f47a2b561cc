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
import { STATUSES } from './payment.ts';
import type { Status } from './payment.ts';
import { createTransitionWriter, ILLEGAL_MOVE_STATE, LEGAL_MOVES } from './transition.ts';
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
    mode: 'test',
    fingerprint: fingerprint('x'),
    amountMinor: 10_000n,
    currency: 'EUR',
    cardToken: 'token',
    returnUrl: undefined,
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

/** An operation whose payment stands at `status`. */
async function operationAt(status: Status, change: Partial<NewOperation> = {}): Promise<Operation> {
  const operation = newOperation(change);
  await begin(operation);
  await admin.query(
    `update payments set status = $2,
            authorized_minor = case when $2 = 'succeeded' then amount_minor else 0 end,
            captured_minor = case when $2 = 'succeeded' then amount_minor else 0 end,
            failure = case when $2 = 'failed' then '{"code":"card_declined"}'::jsonb end,
            next_action = case when $2 = 'requires_action' then '{"redirectUrl":"https://b.example"}'::jsonb end
      where id = $1`,
    [operation.paymentId, status],
  );
  return await stored(operation.merchantId, operation.operationId);
}

async function stored(merchantId: string, operationId: string): Promise<Operation> {
  const found = await findOperation({ pool }, merchantId, operationId);
  assert.ok(found);
  return found.operation;
}

function moveTo(status: Status, change: Partial<Transition> = {}): Transition {
  const transition: Transition = {
    operationState: status === 'succeeded' ? 'succeeded' : status === 'failed' ? 'declined' : 'sent',
    paymentStatus: status,
    capturedMinor: status === 'succeeded' ? 10_000n : 0n,
    providerReference: 'ref_1',
    card: undefined,
    failure: status === 'failed' ? { code: 'card_declined', message: 'no', retryable: false } : undefined,
    redirectUrl: status === 'requires_action' ? 'https://bank.example' : undefined,
    unknownReason: undefined,
    mayHaveCharged: true,
    dueInMs: 1_000,
    absent: false,
    wipeServiceCode: false,
  };
  return { ...transition, ...change };
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
      if (LEGAL_MOVES[from].includes(to))
        test(`${from} > ${to} is legal: one version more, one history row, one outbox row`, async () => {
          const operation = await operationAt(from);
          const written = await write(operation, moveTo(to));
          assert.equal(written.kind === 'written' && written.version, operation.payment.version + 1);
          const now = (await stored(operation.merchantId, operation.id)).payment;
          assert.deepEqual([now.status, now.version], [to, operation.payment.version + 1]);
          assert.deepEqual(
            [await countFor('payment_events', operation), await countFor('outbox', operation)],
            [2, 2],
          );
          const { rows } = await admin.query(
            `select from_status, to_status from payment_events where payment_id = $1 and version = 2`,
            [operation.payment.id],
          );
          assert.deepEqual(rows, [{ from_status: from, to_status: to }]);
        });
      else
        test(`${from} > ${to} is illegal: it raises and writes nothing`, async () => {
          const operation = await operationAt(from);
          const stood = await snapshot(operation);
          await assert.rejects(write(operation, moveTo(to)), isIllegalMove);
          assert.deepEqual(await snapshot(operation), stood);
        });
});

test('in a batch only the guilty item fails; the others commit', async () => {
  const guilty = await operationAt('succeeded');
  const stood = await snapshot(guilty);
  const good = await Promise.all(Array.from({ length: 8 }, async () => await operationAt('processing')));
  const moves = [...good.slice(0, 4), guilty, ...good.slice(4)];
  const results = await Promise.allSettled(
    moves.map(async (operation) => await write(operation, moveTo('succeeded'))),
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

describe('I6, I7, I8: the database refuses money that does not add up, by the name of the constraint', () => {
  test('capturing more than was asked for', async () => {
    const operation = await operationAt('processing');
    const stood = await snapshot(operation);
    await assert.rejects(
      write(operation, moveTo('succeeded', { capturedMinor: 10_001n })),
      (error) => violatedConstraint(error) === 'payment_authorized',
    );
    assert.deepEqual(await snapshot(operation), stood);
  });
  test('a success that collected nothing', async () => {
    const operation = await operationAt('processing');
    await assert.rejects(
      write(operation, moveTo('succeeded', { capturedMinor: 0n })),
      (error) => violatedConstraint(error) === 'payment_succeeded_captured',
    );
  });
  const cases: [name: string, change: string, constraint: string][] = [
    ['captured beyond authorised', 'captured_minor = authorized_minor + 1', 'payment_captured'],
    ['refunded beyond captured', 'refunded_minor = captured_minor + 1', 'payment_refunded'],
    ['a negative refund', 'refunded_minor = -1', 'payment_refunded'],
    ['an amount of nothing', 'amount_minor = 0, authorized_minor = 0, captured_minor = 0', 'payment_amount'],
    ['an amount that JSON cannot hold', 'amount_minor = 9007199254740992', 'payment_amount'],
    [
      'a failed payment that holds money',
      `status = 'failed', failure = '{}'`,
      'payment_failed_holds_nothing',
    ],
    [
      'a failure without a reason',
      `status = 'failed', authorized_minor = 0, captured_minor = 0`,
      'payment_failure_reason',
    ],
    ['a reason without a failure', `failure = '{}'`, 'payment_failure_reason'],
    ['a challenge without an address', `status = 'requires_action'`, 'payment_next_action'],
    ['a status that does not exist', `status = 'paid'`, 'payment_status'],
    ['a mode that does not exist', `mode = 'sandbox'`, 'payment_mode'],
  ];
  for (const [name, change, constraint] of cases)
    test(name, async () => {
      const operation = await operationAt('succeeded');
      await assert.rejects(
        admin.query(`update payments set ${change} where id = $1`, [operation.payment.id]),
        (error) => {
          assert.equal(violatedConstraint(error), constraint);
          return true;
        },
      );
    });
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
