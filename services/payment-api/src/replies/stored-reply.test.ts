import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';
import { createReplyWriter } from './reply-writer.ts';
import type { Reply, ReplyKey } from './reply-writer.ts';

const newKey = (changes: Partial<ReplyKey> = {}): ReplyKey => ({
  merchantId: newUuid(),
  operationId: newUuid(),
  mode: 'test',
  fingerprint: randomBytes(32),
  ...changes,
});
/** Bytes that text would not survive, of any length. */
const newReply = (index: number): Reply =>
  index % 3 === 0
    ? { statusCode: 402, location: null, body: randomBytes(index) }
    : { statusCode: 201, location: `/v1/payments/pay_${index}`, body: randomBytes(index) };

describe('stored replies', () => {
  let stand: Stand;
  let pool: Pool;
  before(async () => {
    stand = await startWithDoubles();
    const log = createLog('test', 'silent');
    pool = createPool({ url: stand.config.databaseUrl, max: 4, applicationName: 'test', log });
  });
  after(async () => {
    await pool.end();
    await stand.close();
  });

  test('replies written at once land each in its own row, with its own bytes', async () => {
    const writer = createReplyWriter(pool);
    // More than one statement takes, so that batches of every kind are made.
    const wanted = Array.from({ length: 150 }, (_, index) => ({ key: newKey(), reply: newReply(index) }));
    const first = await Promise.all(wanted.map(async ({ key, reply }) => await writer.store(key, reply)));
    assert.deepEqual([...new Set(first)], [true]);
    for (const { key, reply } of wanted) assert.deepEqual(await rowOf(key.operationId), toRow(key, reply));
  });

  test('of two replies to one operation the first stays, in one batch as in two', async () => {
    const writer = createReplyWriter(pool);
    const key = newKey();
    const [first, second] = [newReply(1), newReply(2)];
    const won = await Promise.all([
      writer.store(key, first),
      writer.store(newKey(), newReply(4)),
      writer.store(key, second),
    ]);
    assert.deepEqual(won, [true, true, false]);
    assert.equal(await createReplyWriter(pool).store(key, second), false);
    assert.deepEqual(await rowOf(key.operationId), toRow(key, first));
  });

  test('the table itself refuses an answer that is not terminal, and the writer goes on after a refusal', async () => {
    const writer = createReplyWriter(pool);
    await assert.rejects(
      writer.store(newKey(), { statusCode: 202, location: null, body: Buffer.from('{}') }),
      {
        constraint: 'reply_terminal',
      },
    );
    await assert.rejects(
      writer.store(newKey(), { statusCode: 402, location: '/x', body: Buffer.from('{}') }),
      {
        constraint: 'reply_location',
      },
    );
    const short = newKey({ fingerprint: randomBytes(31) });
    await assert.rejects(writer.store(short, newReply(1)), { constraint: 'reply_fingerprint' });
    assert.equal(await writer.store(newKey(), newReply(1)), true);
  });

  test('while the database hangs, what waits to be stored is bounded and fails together', async () => {
    const held = await pool.connect();
    const writer = createReplyWriter(pool);
    try {
      await held.query('begin');
      await held.query('lock table replies in access exclusive mode');
      const results = await Promise.allSettled(
        Array.from({ length: 1_200 }, async () => await writer.store(newKey(), newReply(1))),
      );
      assert.deepEqual([...new Set(results.map((result) => result.status))], ['rejected']);
    } finally {
      await held.query('rollback');
      held.release();
    }
    assert.equal(await writer.store(newKey(), newReply(1)), true);
  });

  test('a charge whose reply cannot be stored still tells its outcome; the next call stores the same bytes', async () => {
    const hotel = newMerchant();
    await stand.database.query('alter table replies rename to replies_away');
    const first = await stand.charge('away', chargeBody(), { as: hotel });
    const second = await stand.charge('away', chargeBody(), { as: hotel });
    await stand.database.query('alter table replies_away rename to replies');
    const third = await stand.charge('away', chargeBody(), { as: hotel });
    for (const answer of [first, second, third]) {
      assert.equal(answer.status, 201, answer.bytes.toString());
      assert.deepEqual(answer.bytes, first.bytes);
    }
    assert.deepEqual(
      [first, second, third].map((answer) => answer.headers['idempotent-replayed']),
      [undefined, 'true', 'true'],
    );
    const { rows } = await stand.database.query('select body from replies where merchant_id = $1', [
      hotel.merchantId,
    ]);
    assert.deepEqual(rows, [{ body: first.bytes }]);
  });

  test('a hanging database holds the news of a charge up, but not for long', async () => {
    const held = await pool.connect();
    try {
      await held.query('begin');
      await held.query('lock table replies in access exclusive mode');
      const answers = await Promise.all(
        ['hang-1', 'hang-2', 'hang-3'].map(async (key) => await stand.charge(key, chargeBody())),
      );
      for (const answer of answers) assert.equal(answer.status, 201, answer.bytes.toString());
    } finally {
      await held.query('rollback');
      held.release();
    }
  });

  test('a reply is never handed to another hotel, mode or request, even if their operation ids were equal', async () => {
    const hotel = newMerchant();
    const other = newMerchant();
    const first = await stand.charge('mine', chargeBody(), { as: hotel });
    await stand.charge('theirs', chargeBody({ booking_reference: 'BK-2' }), { as: other });
    const own = await stand.charge('theirs', chargeBody({ booking_reference: 'BK-2' }), { as: other });
    await stand.database.query(
      `update replies set body = 'stolen', fingerprint = (select fingerprint from replies where merchant_id = $1)
        where merchant_id = $2`,
      [hotel.merchantId, other.merchantId],
    );
    const replay = await stand.charge('theirs', chargeBody({ booking_reference: 'BK-2' }), { as: other });
    assert.deepEqual(replay.bytes, own.bytes);
    assert.notDeepEqual(replay.bytes, first.bytes);
  });

  async function rowOf(operationId: string): Promise<unknown> {
    const { rows } = await pool.query<Record<string, unknown>>(
      'select merchant_id, operation_id, mode, fingerprint, status_code, location, body from replies where operation_id = $1',
      [operationId],
    );
    assert.equal(rows.length, 1);
    return rows[0];
  }
});

function toRow(key: ReplyKey, reply: Reply): unknown {
  return {
    merchant_id: key.merchantId,
    operation_id: key.operationId,
    mode: key.mode,
    fingerprint: key.fingerprint,
    status_code: reply.statusCode,
    location: reply.location,
    body: reply.body,
  };
}
