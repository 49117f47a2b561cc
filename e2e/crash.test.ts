import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Hotel } from '@centra/dev/seed.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import {
  card,
  charge,
  chargesOf,
  onboardHotel,
  paymentSchema,
  rows,
  settledPayment,
  startPlatformUnderTest,
} from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

let platform: PlatformUnderTest;
let hotel: Hotel;
before(async () => {
  platform = await startPlatformUnderTest({ onCrash: () => {} });
  hotel = await onboardHotel(platform);
});
after(async () => await platform.end());

const STEPS = [
  { number: 1, failpoint: 'sale.before-write-1', stored: false },
  { number: 2, failpoint: 'sale.after-write-1', stored: true },
  { number: 2, failpoint: 'stripe.after-payment-method', stored: true },
  { number: 3, failpoint: 'sale.after-provider', stored: true },
  { number: 4, failpoint: 'sale.after-write-2', stored: true },
];

for (const { number, failpoint, stored } of STEPS)
  test(`${number}: the transaction process killed at ${failpoint} settles after its restart with exactly one effect`, async () => {
    const transaction = platform.child('transaction');
    await transaction.stop();
    await transaction.start({ FAILPOINT: failpoint });
    const cardToken = await card(platform, hotel);
    const key = randomUUID();
    const reference = `CRASH-${failpoint}`;
    const wanted = { cardToken, key, extra: { booking_reference: reference } };
    const pid = transaction.pid();
    const interrupted = charge(platform, hotel, wanted);
    await waitFor('the process to die', async () => (isAlive(pid) ? undefined : true), 60_000);
    const killedWith = await operationsOf(reference);
    assert.equal(killedWith.length, stored ? 1 : 0, 'what the crash left in the database');
    await transaction.start({ FAILPOINT: '' });
    const answer = await interrupted;
    assert.ok([201, 202, 409, 500, 503].includes(answer.status), answer.text);
    // The client does what the documentation says: the same request with the same key until it has an outcome.
    const settled = await waitFor(
      'an outcome under the same key',
      async () => {
        const again = await charge(platform, hotel, wanted);
        return again.status === 201 || again.status === 202 ? paymentSchema.parse(again.json) : undefined;
      },
      60_000,
    );
    const payment =
      settled.status === 'succeeded' ? settled : await settledPayment(platform, hotel, settled.id);
    assert.equal(payment.status, 'succeeded');
    assert.equal((await chargesOf(platform, payment.id)).length, 1);
    assert.deepEqual(await operationsOf(reference), [{ state: 'succeeded', payments: 1, outbox: 2 }]);
  });

async function operationsOf(
  reference: string,
): Promise<{ state: string; payments: number; outbox: number }[]> {
  return await rows(
    platform,
    'transaction',
    `select o.state, count(distinct p.id)::int as payments, count(x.version)::int as outbox
       from operations o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
       left join outbox x on x.merchant_id = p.merchant_id and x.payment_id = p.id
      where p.booking_reference = $1 group by o.state`,
    z.object({ state: z.string(), payments: z.int(), outbox: z.int() }),
    [reference],
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
