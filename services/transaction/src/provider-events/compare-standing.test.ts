import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PaymentStanding } from '../providers/provider.ts';
import { compareStanding } from './compare-standing.ts';

type Ours = Parameters<typeof compareStanding>[0];

const HOLD = { expiresAt: undefined, multipleCapture: false, incremental: false, overcaptureMinor: 0n };

function ours(status: Ours['status'], change: Partial<Ours> = {}): Ours {
  return {
    status,
    money: { amountMinor: 100n, currency: 'EUR' },
    hold: undefined,
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    authorizePendingMinor: 0n,
    capturePendingMinor: 0n,
    refundPendingMinor: 0n,
    ...change,
  };
}

function theirs(state: PaymentStanding['state'], change: Partial<PaymentStanding> = {}): PaymentStanding {
  return {
    state,
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    capturableMinor: 0n,
    disputed: false,
    ...change,
  };
}

const held = (minor: bigint): Partial<PaymentStanding> => ({
  authorizedMinor: minor,
  capturableMinor: minor,
});
const paid = (minor: bigint, refundedMinor = 0n) => ({
  authorizedMinor: minor,
  capturedMinor: minor,
  refundedMinor,
});

const CASES: [name: string, ours: Ours, theirs: PaymentStanding, kind: string][] = [
  ['a sale, collected', ours('succeeded', paid(100n)), theirs('captured', paid(100n)), 'agrees'],
  ['a hold', ours('authorized', { hold: HOLD, authorizedMinor: 100n }), theirs('held', held(100n)), 'agrees'],
  ['a declined card, whose object stays open', ours('failed'), theirs('open'), 'agrees'],
  ['a declined card', ours('failed'), theirs('failed'), 'agrees'],
  ['a released hold', ours('canceled', { authorizedMinor: 100n }), theirs('canceled'), 'agrees'],
  ['a challenge nobody answered yet', ours('requires_action'), theirs('open'), 'agrees'],
  [
    'a refund in part',
    ours('partially_refunded', paid(100n, 30n)),
    theirs('captured', paid(100n, 30n)),
    'agrees',
  ],
  [
    'a pending refund that the provider counts already',
    ours('succeeded', { ...paid(100n), refundPendingMinor: 30n }),
    theirs('captured', paid(100n, 30n)),
    'agrees',
  ],
  [
    'a pending refund that it does not count yet',
    ours('succeeded', { ...paid(100n), refundPendingMinor: 30n }),
    theirs('captured', paid(100n)),
    'agrees',
  ],
  [
    'a pending capture that has closed the hold',
    ours('authorized', { hold: HOLD, authorizedMinor: 100n, capturePendingMinor: 60n }),
    theirs('captured', { authorizedMinor: 100n, capturedMinor: 60n }),
    'agrees',
  ],
  [
    'a raise of the hold that is pending here',
    ours('authorized', { hold: HOLD, authorizedMinor: 100n, authorizePendingMinor: 50n }),
    theirs('held', held(150n)),
    'agrees',
  ],
  [
    'a lowered hold that is pending here',
    ours('authorized', { hold: HOLD, authorizedMinor: 100n, authorizePendingMinor: -50n }),
    theirs('held', held(50n)),
    'agrees',
  ],
  [
    'a hold that lapsed',
    ours('authorized', { hold: HOLD, authorizedMinor: 100n }),
    theirs('canceled', { canceledBy: 'expiry' }),
    'hold_gone',
  ],
  [
    'the rest of a hold that lapsed after a capture',
    ours('partially_captured', { hold: HOLD, authorizedMinor: 100n, capturedMinor: 60n }),
    theirs('captured', { authorizedMinor: 100n, capturedMinor: 60n }),
    'hold_gone',
  ],
  ['money after we gave up', ours('failed'), theirs('captured', paid(100n)), 'late_success'],
  ['money after a cancellation', ours('canceled'), theirs('captured', paid(100n)), 'late_success'],
  ['a hold after we gave up', ours('failed'), theirs('held', held(100n)), 'late_success'],
  [
    'a refund that the bank sent back',
    ours('refunded', paid(100n, 100n)),
    theirs('captured', paid(100n)),
    'refund_reversed',
  ],
  [
    'a capture of nobody of ours',
    ours('authorized', { hold: HOLD, authorizedMinor: 100n }),
    theirs('captured', paid(100n)),
    'differs',
  ],
  ['less collected than we think', ours('succeeded', paid(100n)), theirs('captured', paid(99n)), 'differs'],
  ['nothing collected of what we think', ours('succeeded', paid(100n)), theirs('open'), 'differs'],
  [
    'a refund made in the dashboard',
    ours('succeeded', paid(100n)),
    theirs('captured', paid(100n, 30n)),
    'differs',
  ],
  [
    'another hold than ours',
    ours('authorized', { hold: HOLD, authorizedMinor: 100n }),
    theirs('held', held(150n)),
    'differs',
  ],
  [
    'something still held after the last capture',
    ours('succeeded', paid(60n)),
    theirs('held', { ...held(100n), capturedMinor: 60n }),
    'differs',
  ],
  ['money for a payment that was only created', ours('created'), theirs('captured', paid(100n)), 'differs'],
  [
    'collected and given back after we gave up: nothing is left to record, and the books differ',
    ours('failed'),
    theirs('captured', paid(100n, 100n)),
    'differs',
  ],
];

for (const [name, mine, there, kind] of CASES)
  test(`${name}: ${kind}`, () => assert.equal(compareStanding(mine, there).kind, kind));

test('a difference is told in words with both amounts and the currency', () => {
  const differs = compareStanding(ours('succeeded', paid(100n)), theirs('captured', paid(100n, 30n)));
  assert.deepEqual(differs, {
    kind: 'differs',
    reason: 'given back: 30 EUR (minor units) at the provider, 0 EUR (minor units) in our record',
  });
});
