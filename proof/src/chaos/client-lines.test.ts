import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientLine } from '../run-folder.ts';
import { stripeEffectsOf } from './charged-twice.ts';
import { repeatedKeysOf } from './client-lines.ts';

const AT = '2026-01-01T00:00:00.000Z';

function invoke(id: number, merchantId: string, key: string, fingerprint: string): ClientLine {
  const wish = { action: 'charge', paymentId: null, amount: 1, currency: 'EUR', door: 'd' } as const;
  return { type: 'invoke', seq: id, at: AT, id, merchantId, key, fingerprint, ...wish };
}

function ok(id: number): ClientLine {
  const sums = { authorized: 1, captured: 1, refunded: 0 };
  const told = { status: 201, replayed: false, bytes: 'b', paymentId: 'pay_1', refundId: null, state: 's' };
  return { type: 'ok', seq: id, at: AT, id, ...told, ...sums };
}

test('repeated, reused and shared keys are counted apart', () => {
  const lines: ClientLine[] = [
    invoke(1, 'a', 'k', 'f'),
    invoke(2, 'a', 'k', 'f'),
    invoke(3, 'a', 'k', 'other'),
    {
      type: 'fail',
      seq: 9,
      at: AT,
      id: 3,
      status: 422,
      code: 'idempotency_key_reused',
      replayed: false,
      bytes: 'b',
      paymentId: null,
    },
    invoke(4, 'b', 'k', 'f'),
    ok(1),
    ok(2),
  ];
  assert.deepEqual(repeatedKeysOf(lines, 2), { repeated: 1, reusesRefused: 1, shared: 0 });
  assert.deepEqual(repeatedKeysOf([...lines, ok(4)], 2), { repeated: 1, reusesRefused: 1, shared: 1 });
  assert.equal(repeatedKeysOf(lines, 3).repeated, 0);
});

function effect(name: string, payment: string): string {
  return JSON.stringify({ kind: 'effect', effect: name, metadata: { centra_payment: payment } });
}

test('a payment that Stripe charged or held twice is found', () => {
  const once = [
    effect('charge.succeeded', 'pay_1'),
    effect('capture.succeeded', 'pay_1'),
    effect('authorization.succeeded', 'pay_2'),
  ];
  assert.deepEqual(stripeEffectsOf(once.join('\n')), { payments: 2, twice: [] });
  const twice = [...once, effect('charge.succeeded', 'pay_1'), ''];
  assert.deepEqual(stripeEffectsOf(twice.join('\n')), { payments: 2, twice: ['pay_1'] });
});
