import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StageHotel } from '../stage/stage.ts';
import type { Answered, Unanswered } from './ask.ts';
import { fingerprintOf } from './ask.ts';
import { endOf, isFinal, keptOf } from './end-of.ts';
import { createKeyBook, newErrand } from './key-book.ts';
import type { Errand } from './key-book.ts';

const PAYMENT = {
  object: 'payment',
  id: 'pay_1',
  status: 'succeeded',
  amount: 100,
  currency: 'EUR',
  amount_authorized: 100,
  amount_captured: 100,
  amount_refunded: 0,
  hold: null,
};

function answer(status: number, json: unknown, isReplayed = false): Answered {
  const headers = isReplayed ? { 'idempotent-replayed': 'true' } : {};
  return { status, headers, json, bytes: Buffer.from(json === undefined ? '' : JSON.stringify(json)) };
}

const CUT: Unanswered = { status: 0, reason: 'ECONNRESET: cut' };

// answer → what the client knows, whether that ends the errand, whether the key has it for good
const ENDS: readonly [string, Answered | Unanswered, string, boolean, boolean][] = [
  ['201', answer(201, PAYMENT), 'ok', true, true],
  ['200', answer(200, PAYMENT), 'ok', true, true],
  ['a 200 that nobody can read', answer(200, { id: 1 }), 'info', false, false],
  ['202', answer(202, { ...PAYMENT, status: 'processing' }), 'info', false, false],
  ['a decline', answer(402, { code: 'card_declined', payment: PAYMENT }), 'fail', true, true],
  ['a refusal', answer(422, { code: 'amount_exceeds_hold' }), 'fail', true, false],
  ['under way', answer(409, { code: 'in_progress' }), 'fail', false, false],
  ['too many', answer(429, { code: 'too_many_requests' }), 'fail', false, false],
  ['not sent', answer(503, { code: 'unavailable' }), 'fail', false, false],
  ['a bug', answer(500, { code: 'internal' }), 'info', false, false],
  ['a gateway of somebody else', answer(504, undefined), 'info', false, false],
  ['a cut connection', CUT, 'info', false, false],
];

test('an answer says done, refused, or nothing, and whether it holds for good', () => {
  for (const [name, given, type, final, kept] of ENDS) {
    const end = endOf(given);
    assert.deepEqual([end.type, isFinal(end), keptOf(end) !== undefined], [type, final, kept], name);
  }
});

function chargeErrand(isTooMuch = false): Errand {
  const hotel: StageHotel = {
    merchantId: 'm',
    apiKey: 'a',
    stripeKey: 's',
    vaulteraKey: 'v',
    name: 'Riad',
    provider: 'simulator',
    stripeAccount: '',
  };
  const asked = { action: 'charge', key: 'k', card: 'sim_card_visa', amount: 100, currency: 'EUR' } as const;
  return newErrand({ hotel, asked, currency: 'EUR', isTooMuch });
}

// answers to one key, in order → how many of them contradict the contract
const STORIES: readonly [string, readonly (Answered | Unanswered)[], number][] = [
  ['done, then replayed', [answer(201, PAYMENT), answer(201, PAYMENT, true)], 0],
  [
    'unknown, in progress, then done',
    [CUT, answer(409, { code: 'in_progress' }), answer(201, PAYMENT, true)],
    0,
  ],
  ['refused for now, then done', [answer(409, { code: 'operation_pending' }), answer(200, PAYMENT)], 0],
  ['done twice, as if each were the first', [answer(201, PAYMENT), answer(201, PAYMENT)], 1],
  ['other bytes', [answer(201, PAYMENT), answer(201, { ...PAYMENT, amount_refunded: 1 }, true)], 1],
  ['another status', [answer(201, PAYMENT), answer(200, PAYMENT, true)], 1],
  ['done, then refused', [answer(201, PAYMENT), answer(422, { code: 'idempotency_key_reused' })], 1],
  ['done, then open again', [answer(201, PAYMENT), answer(202, PAYMENT, true)], 1],
  ['a bug', [answer(500, { code: 'internal' })], 1],
  ['a lost answer', [answer(500, { code: 'internal', detail: 'The answer was lost, so …' })], 0],
  ['a key that is suddenly not known', [answer(401, { code: 'unauthenticated' })], 1],
];

test('the key book sees whatever a key is told against the contract, and nothing else', () => {
  for (const [name, answers, expected] of STORIES) {
    const book = createKeyBook();
    const errand = chargeErrand();
    for (const given of answers) book.note(errand, endOf(given));
    assert.equal(book.violations.length, expected, `${name}: ${book.violations.join('; ')}`);
  }
});

function wrongsOfTooMuch(given: Answered): number {
  const book = createKeyBook();
  book.note(chargeErrand(true), endOf(given));
  return book.violations.length;
}

test('what is too much may only be refused', () => {
  const judged = [
    answer(422, { code: 'amount_exceeds_hold' }),
    answer(503, { code: 'unavailable' }),
    answer(200, PAYMENT),
    answer(202, PAYMENT),
    answer(402, { code: 'capture_declined', payment: PAYMENT }),
  ];
  assert.deepEqual(judged.map(wrongsOfTooMuch), [0, 0, 1, 1, 1]);
});

test('a fingerprint is of what is asked for', () => {
  const charge = { action: 'charge', key: 'k', card: 'c', amount: 100, currency: 'EUR' } as const;
  assert.equal(fingerprintOf(charge), fingerprintOf({ ...charge, key: 'another' }));
  assert.notEqual(fingerprintOf(charge), fingerprintOf({ ...charge, amount: 101 }));
  const capture = { action: 'capture', key: 'k', paymentId: 'pay_1' } as const;
  assert.notEqual(fingerprintOf(capture), fingerprintOf({ ...capture, paymentId: 'pay_2' }));
  assert.notEqual(fingerprintOf(capture), fingerprintOf({ ...capture, action: 'refund' }));
});
