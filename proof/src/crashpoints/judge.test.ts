import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answered } from '../load/ask.ts';
import { endOf } from '../load/end-of.ts';
import type { Book } from './book.ts';
import type { CrashCase } from './crash-cases.ts';
import { judgeAnswers, judgeEnd, judgeFirst, judgeLeft } from './judge.ts';
import type { Subject } from './subject.ts';

const REFUND: CrashCase = {
  service: 'transaction',
  failpoint: 'refund.after-provider',
  kind: 'refund',
  provider: 'stripe',
};

const SUBJECT: Subject = {
  hotel: {
    merchantId: '00000000-0000-4000-8000-000000000001',
    apiKey: '',
    stripeKey: '',
    vaulteraKey: '',
    name: 'Riad',
    provider: 'stripe',
    stripeAccount: 'acct_1',
  },
  asked: { action: 'refund', key: 'k', paymentId: 'pay_1', amount: 4_000 },
  paymentId: 'pay_1',
  amount: 20_010,
  before: { steps: 2, effects: 1 },
  expected: {
    status: 'partially_refunded',
    authorized: 20_010,
    captured: 20_010,
    refunded: 4_000,
    history: ['payment.created', 'payment.successful', 'payment.refund_requested', 'payment.refunded'],
    effects: ['sale 20010', 'refund 4000'],
  },
};

const STEPS = SUBJECT.expected.history.map((type, at) => ({ version: at + 1, type }));

const AT_REST: Book = {
  payments: 1,
  payment: {
    id: '00000000-0000-4000-8000-000000000002',
    status: 'partially_refunded',
    version: 4,
    provider_reference: 'pi_1',
    authorized_minor: 20_010,
    captured_minor: 20_010,
    refunded_minor: 4_000,
    pending_minor: 0,
    busy_operation_id: null,
  },
  operations: [
    { id: 'a', kind: 'sale', state: 'succeeded', attempt: 1 },
    { id: 'b', kind: 'refund', state: 'succeeded', attempt: 2 },
  ],
  history: STEPS,
  outbox: STEPS,
  providerEvents: ['processed'],
  effects: ['sale 20010', 'refund 4000'],
};

const AT_DEATH: Book = {
  ...AT_REST,
  operations: [
    { id: 'a', kind: 'sale', state: 'succeeded', attempt: 1 },
    { id: 'b', kind: 'refund', state: 'sent', attempt: 1 },
  ],
  history: STEPS.slice(0, 3),
  outbox: STEPS.slice(0, 3),
};

test('books as if nothing had been are found in order', () => {
  assert.deepEqual(judgeEnd(REFUND, SUBJECT, AT_REST), []);
});

const { payment } = AT_REST;
const WRONG: [string, Partial<Book>][] = [
  ['a second refund at the provider', { effects: ['sale 20010', 'refund 4000', 'refund 4000'] }],
  ['no refund at the provider', { effects: ['sale 20010'] }],
  ['another amount at the provider', { effects: ['sale 20010', 'refund 4001'] }],
  ['a payment twice', { payments: 2 }],
  ['no payment', { payments: 0, payment: undefined }],
  [
    'a second operation',
    { operations: [...AT_REST.operations, { id: 'c', kind: 'refund', state: 'succeeded', attempt: 1 }] },
  ],
  ['an open operation', { operations: AT_DEATH.operations }],
  ['a wrong sum', payment === undefined ? {} : { payment: { ...payment, refunded_minor: 8_000 } }],
  [
    'a reservation that stays',
    payment === undefined ? {} : { payment: { ...payment, pending_minor: 4_000 } },
  ],
  ['a wrong status', payment === undefined ? {} : { payment: { ...payment, status: 'succeeded' } }],
  ['a step twice', { history: [...STEPS, { version: 5, type: 'payment.refunded' }] }],
  ['a step that nobody is told of', { outbox: STEPS.slice(0, 3) }],
  ['an event of no step', { outbox: [...STEPS, { version: 5, type: 'payment.refunded' }] }],
];

for (const [what, change] of WRONG)
  test(`${what} is seen in the end`, () => {
    assert.notDeepEqual(judgeEnd(REFUND, SUBJECT, { ...AT_REST, ...change }), []);
  });

test('what a death leaves must be what its step leaves', () => {
  assert.deepEqual(judgeLeft(REFUND, SUBJECT, AT_DEATH), []);
  const at = (failpoint: string): string[] => judgeLeft({ ...REFUND, failpoint }, SUBJECT, AT_DEATH);
  // After the provider's answer the operation is open and done: no other step looks like that, but a sweeper's.
  for (const failpoint of [
    'gateway.before-forward',
    'gateway.after-answer',
    'payment-api.before-operation',
    'payment-api.after-store',
    'refund.before-write-1',
    'refund.after-write-1',
    'refund.before-provider',
    'refund.after-write-2',
    'sweeper.after-claim',
    'sweeper.after-settle',
    'provider-event.after-store',
  ])
    assert.notDeepEqual(at(failpoint), [], failpoint);
  assert.throws(() => at('refund.after-lunch'), /nobody knows/);
});

test('before the first write there is no trace, neither with us nor at the provider', () => {
  const early: CrashCase = { ...REFUND, failpoint: 'refund.before-write-1' };
  const untouched: Book = {
    ...AT_REST,
    operations: AT_REST.operations.slice(0, 1),
    history: STEPS.slice(0, 2),
    effects: ['sale 20010'],
  };
  assert.deepEqual(judgeLeft(early, SUBJECT, untouched), []);
  for (const trace of [
    { operations: AT_DEATH.operations },
    { history: STEPS.slice(0, 3) },
    { effects: AT_REST.effects },
  ])
    assert.notDeepEqual(judgeLeft(early, SUBJECT, { ...untouched, ...trace }), [], JSON.stringify(trace));
});

test('a refusal of what may have been done is seen', () => {
  assert.deepEqual(judgeFirst(REFUND, answer(409, { code: 'in_progress' })), []);
  assert.deepEqual(judgeFirst(REFUND, answer(202, {})), []);
  assert.notDeepEqual(judgeFirst(REFUND, answer(503, { code: 'unavailable' })), []);
  assert.notDeepEqual(judgeFirst(REFUND, answer(402, { code: 'refund_declined' })), []);
  const early: CrashCase = { ...REFUND, failpoint: 'refund.before-write-1' };
  assert.deepEqual(judgeFirst(early, answer(503, { code: 'unavailable' })), []);
  const atTheDoor: CrashCase = { ...REFUND, service: 'api-gateway', failpoint: 'gateway.after-answer' };
  assert.deepEqual(judgeFirst(atTheDoor, { status: 0, reason: 'UND_ERR_SOCKET: other side closed' }), []);
  assert.notDeepEqual(judgeFirst(atTheDoor, answer(503, { code: 'unavailable' })), []);
});

test('another answer to the same key, and one that does not say it is a replay, are seen', () => {
  const told = answer(201, REFUNDED);
  const again = answer(201, REFUNDED, { 'idempotent-replayed': 'true' });
  assert.deepEqual(judgeAnswers(REFUND, endOf(told), told, again), []);
  assert.notDeepEqual(judgeAnswers(REFUND, endOf(told), told, told), []);
  const other = answer(201, { ...REFUNDED, amount: 4_001 }, { 'idempotent-replayed': 'true' });
  assert.notDeepEqual(judgeAnswers(REFUND, endOf(told), told, other), []);
  const declined = answer(402, { code: 'refund_declined' });
  assert.notDeepEqual(judgeAnswers(REFUND, endOf(declined), declined, again), []);
});

const REFUNDED = { object: 'refund', id: 're_1', payment_id: 'pay_1', status: 'succeeded', amount: 4_000 };

function answer(status: number, json: object, headers: Record<string, string> = {}): Answered {
  return { status, headers, json, bytes: Buffer.from(JSON.stringify(json)) };
}
