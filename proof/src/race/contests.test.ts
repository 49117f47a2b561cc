import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Asked } from '../load/ask.ts';
import type { End } from '../load/client-journal.ts';
import { newErrand } from '../load/key-book.ts';
import type { Errand } from '../load/key-book.ts';
import type { PaymentTold } from '../load/told.ts';
import type { StageHotel } from '../stage/stage.ts';
import { CONTESTS, faultOf } from './contests.ts';

const HOTEL: StageHotel = {
  merchantId: 'm',
  apiKey: 'a',
  stripeKey: 's',
  vaulteraKey: 'v',
  name: 'Riad',
  provider: 'simulator',
  stripeAccount: '',
};

function ended(asked: Asked, end: End | undefined): Errand {
  return { ...newErrand({ hotel: HOTEL, asked, currency: 'EUR' }), end };
}

function refund(amount: number, end: End | undefined): Errand {
  return ended({ action: 'refund', key: `k${amount}`, paymentId: 'pay_1', amount }, end);
}

const OK: End = {
  type: 'ok',
  status: 201,
  replayed: false,
  bytes: 'b',
  paymentId: 'pay_1',
  refundId: 're_1',
  state: 'succeeded',
  authorized: null,
  captured: null,
  refunded: null,
};

function fail(status: number, code: string): End {
  return { type: 'fail', status, code, replayed: false, bytes: 'b', paymentId: null };
}

function payment(captured: number, refunded: number): PaymentTold {
  return {
    object: 'payment',
    id: 'pay_1',
    status: 'partially_refunded',
    amount: 10_000,
    currency: 'EUR',
    amount_authorized: 10_000,
    amount_captured: captured,
    amount_refunded: refunded,
    hold: null,
  };
}

const LOST = fail(422, 'amount_exceeds_captured');

// contest, how its callers ended, the payment afterwards → what is wrong
const RACES: readonly [string, readonly Errand[], PaymentTold, RegExp | undefined][] = [
  ['refunds of parts', [refund(6_000, OK), refund(5_000, LOST)], payment(10_000, 6_000), undefined],
  ['refunds of parts', [refund(6_000, OK), refund(5_000, OK)], payment(10_000, 11_000), /more given back/],
  ['refunds of parts', [refund(6_000, OK), refund(1_000, OK)], payment(10_000, 6_000), /were told 7000/],
  ['refunds of parts', [refund(6_000, OK), refund(4_000, LOST)], payment(10_000, 6_000), /4000 was refused/],
  ['refunds of parts', [refund(6_000, OK), refund(5_000, undefined)], payment(10_000, 6_000), /no end/],
  [
    'refunds of parts',
    [refund(6_000, OK), refund(5_000, fail(404, 'not_found'))],
    payment(10_000, 6_000),
    /no loss/,
  ],
  [
    'refunds of parts',
    [refund(6_000, OK), refund(5_000, fail(402, 'refund_declined'))],
    payment(10_000, 6_000),
    /in vain/,
  ],
  [
    'refunds of the whole',
    [refund(10_000, OK), refund(10_001, OK)],
    payment(10_000, 10_000),
    /2 callers won/,
  ],
];

test('a race is judged by its ends and by the payment afterwards', () => {
  for (const [name, errands, after, expected] of RACES) {
    const contest = CONTESTS.find((known) => known.name === name);
    assert.ok(contest);
    const fault = faultOf(contest, errands, after);
    if (expected === undefined) assert.equal(fault, undefined);
    else assert.match(fault ?? 'nothing is wrong', expected);
  }
});
