import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createLog } from '@centra/service-kit/log.ts';
import { createPool, violatedConstraint } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { databaseRoles, migrate, migrationsFolder } from '../migrate.ts';
import { STATUSES } from './payment.ts';
import type { Status } from './payment.ts';

let database: TestDatabase;
/** As the superuser: even then the tables keep money in its limits. */
let admin: Pool;

before(async () => {
  database = await createTestDatabase({
    service: 'transaction',
    roles: databaseRoles,
    migrationsFolder,
    migrate,
  });
  const log = createLog('test', 'silent');
  admin = createPool({ url: database.adminUrl, max: 2, applicationName: 'test', log });
});
after(async () => {
  await admin.end();
  await database.drop();
});

/** A stored payment of 100.00, all of it held, changed by `set`. */
async function payment(set = ''): Promise<string> {
  const id = newUuid();
  await admin.query(
    `insert into payments (merchant_id, id, mode, status, version, amount_minor, currency, authorized_minor, hold_open,
       provider, provider_account_id, booking_reference, guest, description, metadata)
     values ($1, $2, 'test', 'authorized', 1, 10000, 'EUR', 10000, true, 'simulator', $1, '', '{}', '', '{}')`,
    [randomUUID(), id],
  );
  if (set !== '') await change(id, set);
  return id;
}

async function change(id: string, set: string): Promise<void> {
  const { rowCount } = await admin.query(`update payments set ${set} where id = $1`, [id]);
  assert.equal(rowCount, 1);
}

async function assertViolates(call: Promise<unknown>, constraint: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.equal(violatedConstraint(error), constraint);
    return true;
  });
}

/** Sets a status with all that it needs beside the sums. */
function statusSet(word: Status): string {
  return `status = '${word}', cancellation_reason = ${word === 'canceled' ? `'expired'` : 'null'},
          failure = ${word === 'failed' ? `'{}'` : 'null'},
          next_action = ${word === 'requires_action' ? `'{}'` : 'null'}`;
}

describe('the status that sums make', () => {
  type Sums = [holdOpen: boolean, captured: number, refunded: number, status: Status];
  const cases: Sums[] = [
    [true, 0, 0, 'authorized'],
    [true, 1, 0, 'partially_captured'],
    [true, 9_999, 0, 'partially_captured'],
    [true, 10_000, 0, 'partially_captured'],
    [true, 5_000, 1, 'partially_captured'],
    [true, 5_000, 5_000, 'partially_captured'],
    [false, 0, 0, 'canceled'],
    [false, 1, 0, 'succeeded'],
    [false, 10_000, 0, 'succeeded'],
    [false, 10_000, 1, 'partially_refunded'],
    [false, 10_000, 9_999, 'partially_refunded'],
    [false, 1, 1, 'refunded'],
    [false, 10_000, 10_000, 'refunded'],
  ];
  for (const [holdOpen, captured, refunded, status] of cases)
    test(`hold ${holdOpen ? 'open' : 'closed'}, captured ${captured}, refunded ${refunded}: ${status}, and no other`, async () => {
      const { rows } = await admin.query(`select status_of_sums($1, $2, $3) as status`, [
        holdOpen,
        captured,
        refunded,
      ]);
      assert.deepEqual(rows, [{ status }]);
      const id = await payment();
      const sums = `hold_open = ${String(holdOpen)}, captured_minor = ${captured}, refunded_minor = ${refunded}`;
      for (const other of STATUSES.filter((word) => word !== status))
        await assertViolates(change(id, `${sums}, ${statusSet(other)}`), 'payment_status_of_sums');
      await change(id, `${sums}, ${statusSet(status)}`);
    });

  for (const status of ['created', 'processing', 'requires_action', 'failed'] as const)
    test(`a payment that is ${status} holds nothing`, async () => {
      const id = await payment();
      const rest = `status = '${status}', failure = ${status === 'failed' ? `'{}'` : 'null'},
        next_action = ${status === 'requires_action' ? `'{}'` : 'null'}`;
      for (const sums of [
        'hold_open = true, authorized_minor = 0',
        'hold_open = false, authorized_minor = 1',
        'hold_open = false, authorized_minor = 1, captured_minor = 1',
      ])
        await assertViolates(change(id, `${rest}, ${sums}`), 'payment_status_of_sums');
      await change(id, `${rest}, hold_open = false, authorized_minor = 0`);
    });
});

describe('the database refuses money that does not add up, by the name of the constraint', () => {
  const sold = `hold_open = false, captured_minor = 10000, status = 'succeeded'`;
  type Case = [name: string, from: string, set: string, constraint: string];
  const cases: Case[] = [
    ['I6: holding more than the amount', '', 'authorized_minor = 10001', 'payment_authorized'],
    ['I6: holding less than nothing', '', 'authorized_minor = -1', 'payment_authorized'],
    ['I6: captured beyond the hold', sold, 'captured_minor = 10001', 'payment_captured'],
    ['I6: pending beyond the hold', '', 'capture_pending_minor = 10001', 'payment_captured'],
    [
      'I6: captured and pending together beyond the hold',
      '',
      `status = 'partially_captured', captured_minor = 6000, capture_pending_minor = 4001`,
      'payment_captured',
    ],
    [
      'I6: beyond hold and allowance',
      'overcapture_minor = 1500',
      'capture_pending_minor = 11501',
      'payment_captured',
    ],
    ['I6: a negative pending capture', '', 'capture_pending_minor = -1', 'payment_captured'],
    ['I6: a negative allowance', '', 'overcapture_minor = -1', 'payment_overcapture'],
    ['I6: a negative pending raise', '', 'authorize_pending_minor = -1', 'payment_authorize_pending'],
    [
      'I7: refunded beyond what was captured',
      sold,
      `refunded_minor = 10001, status = 'refunded'`,
      'payment_refunded',
    ],
    ['I7: pending beyond what was captured', sold, 'refund_pending_minor = 10001', 'payment_refunded'],
    [
      'I7: refunded and pending together beyond what was captured',
      sold,
      `refunded_minor = 6000, refund_pending_minor = 4001, status = 'partially_refunded'`,
      'payment_refunded',
    ],
    ['I7: a negative refund', sold, 'refunded_minor = -1', 'payment_refunded'],
    ['I7: a negative pending refund', sold, 'refund_pending_minor = -1', 'payment_refunded'],
    ['I7: a refund of a mere hold', '', 'refund_pending_minor = 1', 'payment_refunded'],
    [
      'I8: a captured payment that becomes canceled',
      sold,
      `status = 'canceled', cancellation_reason = 'expired'`,
      'payment_status_of_sums',
    ],
    [
      'I8: a captured payment that becomes failed',
      sold,
      `status = 'failed', failure = '{}'`,
      'payment_status_of_sums',
    ],
    ['an amount of nothing', '', `amount_minor = 0, authorized_minor = 0`, 'payment_amount'],
    ['an amount that JSON cannot hold', '', 'amount_minor = 9007199254740992', 'payment_amount'],
    ['a cancellation without a reason', '', `status = 'canceled', hold_open = false`, 'payment_canceled_why'],
    ['a reason without a cancellation', '', `cancellation_reason = 'expired'`, 'payment_canceled_why'],
    [
      'a failure without a reason',
      '',
      `status = 'failed', hold_open = false, authorized_minor = 0`,
      'payment_failure_reason',
    ],
    ['a reason without a failure', '', `failure = '{}'`, 'payment_failure_reason'],
    [
      'a challenge without an address',
      '',
      `status = 'requires_action', hold_open = false, authorized_minor = 0`,
      'payment_next_action',
    ],
    ['an address without a challenge', '', `next_action = '{}'`, 'payment_next_action'],
    ['a status that does not exist', '', `status = 'paid'`, 'payment_status'],
    ['a mode that does not exist', '', `mode = 'sandbox'`, 'payment_mode'],
    ['a currency that is no code', '', `currency = 'eur'`, 'payment_currency'],
    ['a capture method that does not exist', '', `capture_method = 'later'`, 'payment_capture_method'],
    ['an initiation that does not exist', '', `initiation = 'robot'`, 'payment_initiation'],
  ];
  for (const [name, from, set, constraint] of cases)
    test(name, async () => {
      const id = await payment(from);
      await assertViolates(change(id, set), constraint);
    });

  test('the limits themselves are legal: all of the hold and its allowance, all of the captured', async () => {
    const id = await payment('overcapture_minor = 1500, capture_pending_minor = 11500');
    await change(
      id,
      `capture_pending_minor = 0, captured_minor = 11500, hold_open = false, status = 'succeeded'`,
    );
    await change(id, 'refund_pending_minor = 11500');
    await change(id, `refund_pending_minor = 0, refunded_minor = 11500, status = 'refunded'`);
  });
});

test('an operation of a kind that does not exist, without a payment, or with a failure it does not tell, is refused', async () => {
  const id = await payment();
  const insert = async (columns: string, values: string): Promise<unknown> =>
    await admin.query(
      `insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor,
         currency, provider, provider_account_id, provider_account_version, actor, request_id${columns})
       select merchant_id, uuidv7(), id, 'capture', 'sent', 1, now(), decode(repeat('00', 32), 'hex'), 1, 'EUR', 'x',
         merchant_id, 1, '', ''${values} from payments where id = $1`,
      [id],
    );
  await insert('', '');
  await assertViolates(insert(', sequence', ', 0'), 'operation_sequence');
  await assertViolates(insert(', failure', `, '{}'`), 'operation_failure');
  await assertViolates(insert(', finished_at', ', now()'), 'operation_finished');
  const update = async (set: string): Promise<unknown> =>
    await admin.query(`update operations set ${set} where payment_id = $1`, [id]);
  await assertViolates(update(`kind = 'gift'`), 'operation_kind');
  await assertViolates(update('amount_minor = -1'), 'operation_amount');
  await assertViolates(update('payment_id = uuidv7()'), 'operation_payment');
});
