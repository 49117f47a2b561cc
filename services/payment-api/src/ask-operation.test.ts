import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { chargeBody, newMerchant, startWithDoubles } from './testing/start-with-doubles.ts';
import type { Answer, Stand } from './testing/start-with-doubles.ts';
import { startTransactionDouble } from './testing/transaction-double.ts';

describe('a call to transaction that is lost', () => {
  let stand: Stand;
  before(async () => {
    stand = await startWithDoubles({ saleDeadlineMs: 3_000 });
  });
  after(async () => await stand.close());

  test('a connection cut after the charge is repeated with the same operation id, and charges once', async () => {
    const hotel = newMerchant();
    const calls = stand.transaction.saleCalls.length;
    stand.transaction.faults.push('cut-after-commit');
    const answer = await stand.charge('cut', chargeBody(), { as: hotel });
    assert.equal(answer.status, 201, answer.bytes.toString());
    const [first, ...repeats] = stand.transaction.saleCalls.slice(calls);
    assert.ok(repeats.length >= 1);
    for (const repeat of repeats) assert.deepEqual(repeat, first);
    assert.equal(operationsOf(hotel.merchantId), 1);
    assert.deepEqual((await stand.charge('cut', chargeBody(), { as: hotel })).bytes, answer.bytes);
  });

  test('an answer that comes after the deadline is asked for again within it', async () => {
    const hotel = newMerchant();
    stand.transaction.faults.push('never-answer');
    const answer = await stand.charge('late', chargeBody(), { as: hotel });
    assert.equal(answer.status, 201, answer.bytes.toString());
    assert.equal(operationsOf(hotel.merchantId), 1);
  });

  test('an answer that stays away is 409 in_progress, never 503; the same key then tells the outcome', async () => {
    const hotel = newMerchant();
    stand.transaction.faults.push('never-answer', 'never-answer', 'never-answer');
    const answer = await stand.charge('silent', chargeBody(), { as: hotel });
    assertRefused(answer, 409, 'in_progress');
    const again = await stand.charge('silent', chargeBody(), { as: hotel });
    assert.equal(again.status, 201);
    assert.equal(operationsOf(hotel.merchantId), 1);
  });

  test('"nothing was done" about a repeat says nothing about the call before it: 409, not 503', async () => {
    const hotel = newMerchant();
    stand.transaction.faults.push('never-answer', new AppError('unavailable'));
    assertRefused(await stand.charge('repeat', chargeBody(), { as: hotel }), 409, 'in_progress');
    assert.equal(operationsOf(hotel.merchantId), 1);
  });

  test('when transaction is surely not there: 503, Retry-After, no row, and the key still works afterwards', async () => {
    const hotel = newMerchant();
    const port = await freePort();
    const alone = await stand.startAnother({ transactionGrpcAddress: `127.0.0.1:${port}` });
    try {
      const call = { as: hotel, port: alone.httpPort };
      assertRefused(await stand.charge('away', chargeBody(), call), 503, 'unavailable');
      const { rowCount } = await stand.database.query('select from replies where merchant_id = $1', [
        hotel.merchantId,
      ]);
      assert.equal(rowCount, 0);
      const transaction = await startTransactionDouble(port);
      try {
        const answer = await waitFor('transaction to be found', async () => {
          const each = await stand.charge('away', chargeBody(), call);
          return each.status === 503 ? undefined : each;
        });
        assert.equal(answer.status, 201);
        assert.equal(answer.headers['idempotent-replayed'], undefined);
        assert.equal(transaction.operations.size, 1);
      } finally {
        await transaction.close();
      }
    } finally {
      await alone.close();
    }
  });

  test('when transaction has no address at all: 503', async () => {
    const lost = await stand.startAnother({ transactionGrpcAddress: 'transaction.invalid:50053' });
    try {
      assertRefused(await stand.charge('nowhere', chargeBody(), { port: lost.httpPort }), 503, 'unavailable');
    } finally {
      await lost.close();
    }
  });

  function operationsOf(merchantId: string): number {
    return [...stand.transaction.operations.values()].filter((each) => each.merchantId === merchantId).length;
  }
});

function assertRefused(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.bytes.toString());
  assert.equal(answer.json()['code'], code);
  assert.equal(answer.headers['retry-after'], '1');
}
