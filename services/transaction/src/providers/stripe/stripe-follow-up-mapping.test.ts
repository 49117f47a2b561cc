import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { FailureCode } from '../failure.ts';
import type { FollowUpAttempt, Lookup } from '../provider.ts';
import type { ErrorFacts } from './stripe-errors.ts';
import {
  foundAdjustment,
  foundCapture,
  foundVoid,
  outcomeOfAdjustment,
  outcomeOfCapture,
  outcomeOfVoid,
  refusalOf,
} from './stripe-follow-up-mapping.ts';
import type { Asked } from './stripe-follow-up-mapping.ts';
import { outcomeOfRefund } from './stripe-refund.ts';

const OPERATION = '0190d7a5-7a86-7c6e-9f0a-2f4b5c6d7e8f';
const OTHER = '0190d7a5-7a86-7c6e-9f0a-000000000000';

/** A hold of 125.00 of which `capturedMinor` was captured before. */
function asked(amountMinor: bigint, capturedMinor = 0n): Asked {
  return {
    operationId: OPERATION,
    money: { amountMinor, currency: 'EUR' },
    before: { authorizedMinor: 12_500n, capturedMinor, refundedMinor: 0n },
  };
}

type Fields = Record<string, unknown>;
const intentOf = (fields: Fields): Fields => ({
  id: 'pi_1',
  amount: 12_500,
  amount_received: 0,
  currency: 'eur',
  ...fields,
});

type Case = [name: string, fields: Fields, what: Asked, kind: string, detail?: string];

function table(judge: (value: unknown, what: Asked) => Lookup, cases: readonly Case[]): void {
  for (const [name, fields, what, kind, detail] of cases)
    test(`${name}: ${kind}${detail === undefined ? '' : ` (${detail})`}`, () => {
      const outcome = judge(intentOf(fields), what);
      assert.equal(outcome.kind, kind);
      if (outcome.kind === 'declined') assert.equal(outcome.failure.code, detail);
      if (outcome.kind === 'unknown') assert.match(outcome.reason, new RegExp(detail ?? '.'));
      if (outcome.kind !== 'absent')
        assert.equal('providerReference' in outcome && outcome.providerReference, 'pi_1');
    });
}

describe('what the answer to a capture says', () => {
  table(outcomeOfCapture, [
    ['all of it', { status: 'succeeded', amount_received: 12_500 }, asked(12_500n), 'succeeded'],
    ['a part, the rest let go', { status: 'succeeded', amount_received: 5_000 }, asked(5_000n), 'succeeded'],
    [
      'a part, the rest kept',
      { status: 'requires_capture', amount_received: 5_000 },
      asked(5_000n),
      'succeeded',
    ],
    [
      'a second part',
      { status: 'requires_capture', amount_received: 8_000 },
      asked(3_000n, 5_000n),
      'succeeded',
    ],
    [
      'with another at the same time',
      { status: 'requires_capture', amount_received: 9_000 },
      asked(3_000n, 5_000n),
      'succeeded',
    ],
    [
      'less than asked',
      { status: 'succeeded', amount_received: 4_999 },
      asked(5_000n),
      'unknown',
      'mismatch',
    ],
    [
      'another currency',
      { status: 'succeeded', amount_received: 12_500, currency: 'usd' },
      asked(12_500n),
      'unknown',
      'mismatch',
    ],
    ['no amount', { status: 'succeeded', amount_received: null }, asked(5_000n), 'unknown', 'mismatch'],
    ['slow', { status: 'processing' }, asked(5_000n), 'pending'],
    ['canceled', { status: 'canceled', amount_received: 5_000 }, asked(5_000n), 'unknown', 'canceled'],
    [
      'a new status',
      { status: 'a_status_of_2030', amount_received: 5_000 },
      asked(5_000n),
      'unknown',
      '2030',
    ],
  ]);
});

describe('whether a capture happened', () => {
  const mine = { metadata: { centra_capture: OPERATION } };
  const theirs = { metadata: { centra_capture: OTHER } };
  table(foundCapture, [
    ['ours, the last', { status: 'succeeded', amount_received: 5_000, ...mine }, asked(5_000n), 'succeeded'],
    [
      'ours, one of several',
      { status: 'requires_capture', amount_received: 8_000, ...mine },
      asked(3_000n, 5_000n),
      'succeeded',
    ],
    [
      'our id, too little money',
      { status: 'requires_capture', amount_received: 2_000, ...mine },
      asked(3_000n),
      'unknown',
      'mismatch',
    ],
    ['nothing moved', { status: 'requires_capture', amount_received: 0 }, asked(5_000n), 'absent'],
    [
      'nothing moved since the last',
      { status: 'requires_capture', amount_received: 5_000, ...theirs },
      asked(3_000n, 5_000n),
      'absent',
    ],
    [
      'ended without it',
      { status: 'succeeded', amount_received: 5_000, ...theirs },
      asked(3_000n, 5_000n),
      'absent',
    ],
    [
      'the same amount by somebody else',
      { status: 'succeeded', amount_received: 5_000 },
      asked(5_000n),
      'unknown',
      'another reference',
    ],
    [
      'below a later one of ours',
      { status: 'requires_capture', amount_received: 8_000, ...theirs },
      asked(5_000n),
      'unknown',
      'another reference',
    ],
    [
      'the hold ran out',
      { status: 'canceled', cancellation_reason: 'automatic' },
      asked(5_000n),
      'declined',
      'hold_expired',
    ],
    [
      'the hold expired',
      { status: 'canceled', cancellation_reason: 'expired' },
      asked(5_000n),
      'declined',
      'hold_expired',
    ],
    [
      'released by hand',
      { status: 'canceled', cancellation_reason: 'requested_by_customer' },
      asked(5_000n),
      'declined',
      'canceled',
    ],
    [
      'another currency',
      { status: 'requires_capture', currency: 'usd', amount_received: 0 },
      asked(5_000n),
      'unknown',
      'mismatch',
    ],
    ['a new status', { status: 'a_status_of_2030' }, asked(5_000n), 'unknown', '2030'],
  ]);
});

describe('what the answer to a void says, and whether one happened', () => {
  const both: readonly Case[] = [
    ['let go', { status: 'canceled' }, asked(12_500n), 'succeeded'],
    [
      'it ended by itself',
      { status: 'canceled', cancellation_reason: 'automatic' },
      asked(12_500n),
      'succeeded',
    ],
    ['the rest let go', { status: 'succeeded', amount_received: 5_000 }, asked(7_500n, 5_000n), 'succeeded'],
    ['a new status', { status: 'a_status_of_2030' }, asked(12_500n), 'unknown', '2030'],
  ];
  table(outcomeOfVoid, [
    ...both,
    ['still held', { status: 'requires_capture' }, asked(12_500n), 'unknown', 'requires_capture'],
    ['captured', { status: 'succeeded', amount_received: 12_500 }, asked(12_500n), 'unknown', 'succeeded'],
  ]);
  table(foundVoid, [
    ...both,
    ['still held', { status: 'requires_capture' }, asked(12_500n), 'absent'],
    [
      'still held in part',
      { status: 'requires_capture', amount_received: 5_000 },
      asked(7_500n, 5_000n),
      'absent',
    ],
    [
      'captured instead',
      { status: 'succeeded', amount_received: 12_500 },
      asked(12_500n),
      'declined',
      'already_captured',
    ],
    [
      'more was captured',
      { status: 'succeeded', amount_received: 6_000 },
      asked(7_500n, 5_000n),
      'declined',
      'already_captured',
    ],
    [
      'another currency',
      { status: 'succeeded', amount_received: 6_000, currency: 'usd' },
      asked(12_500n),
      'unknown',
      'succeeded',
    ],
  ]);
});

describe('what the answer to an adjustment says, and whether one happened', () => {
  const both: readonly Case[] = [
    ['raised', { status: 'requires_capture', amount: 15_000 }, asked(15_000n), 'succeeded'],
    [
      'raised to something else',
      { status: 'requires_capture', amount: 14_000 },
      asked(15_000n),
      'unknown',
      'mismatch',
    ],
    ['captured meanwhile', { status: 'succeeded', amount: 12_500 }, asked(15_000n), 'unknown', 'succeeded'],
    ['a new status', { status: 'a_status_of_2030', amount: 15_000 }, asked(15_000n), 'unknown', '2030'],
  ];
  table(outcomeOfAdjustment, [
    ...both,
    ['as before', { status: 'requires_capture', amount: 12_500 }, asked(15_000n), 'unknown', 'mismatch'],
  ]);
  table(foundAdjustment, [
    ...both,
    ['as before', { status: 'requires_capture', amount: 12_500 }, asked(15_000n), 'absent'],
    [
      'the hold ran out',
      { status: 'canceled', cancellation_reason: 'expired' },
      asked(15_000n),
      'declined',
      'hold_expired',
    ],
    [
      'another currency',
      { status: 'requires_capture', amount: 12_500, currency: 'usd' },
      asked(15_000n),
      'unknown',
      'mismatch',
    ],
  ]);
});

describe('where a refund stands', () => {
  const cases: [fields: Fields, kind: string, detail?: string][] = [
    [{ status: 'succeeded' }, 'succeeded'],
    [{ status: 'pending' }, 'pending'],
    [{ status: 'requires_action' }, 'pending'],
    [{ status: 'failed', failure_reason: 'lost_or_stolen_card' }, 'declined', 'refund_refused'],
    [{ status: 'canceled' }, 'declined', 'refund_refused'],
    [{ status: 'a_status_of_2030' }, 'unknown', '2030'],
    [{ status: null }, 'unknown', 'undefined'],
    [{ status: 'succeeded', amount: 999 }, 'unknown', 'mismatch'],
    [{ status: 'failed', currency: 'usd' }, 'unknown', 'mismatch'],
  ];
  for (const [fields, kind, detail] of cases)
    test(`${JSON.stringify(fields)} is ${kind}`, () => {
      const outcome = outcomeOfRefund(
        { id: 're_1', amount: 1_000, currency: 'eur', ...fields },
        asked(1_000n),
      );
      assert.equal(outcome.kind, kind);
      assert.equal('providerReference' in outcome && outcome.providerReference, 're_1');
      if (outcome.kind === 'declined') assert.equal(outcome.failure.code, detail);
      if (outcome.kind === 'unknown') assert.match(outcome.reason, new RegExp(detail ?? '.'));
    });
});

const facts = (code: string | undefined, status?: string, cancellationReason?: string): ErrorFacts => ({
  status: 400,
  type: 'invalid_request_error',
  code,
  declineCode: undefined,
  intent: status === undefined ? undefined : { id: 'pi_1', status, cancellationReason },
  connectionCode: undefined,
  isReplay: false,
  summary: '',
});

describe('a refusal in our words', () => {
  const state = 'payment_intent_unexpected_state';
  const cases: [kind: FollowUpAttempt['kind'], facts: ErrorFacts, ours: FailureCode][] = [
    ['capture', facts('charge_expired_for_capture'), 'hold_expired'],
    ['capture', facts('amount_too_large'), 'amount_refused'],
    ['capture', facts('parameter_invalid_integer'), 'amount_refused'],
    ['capture', facts('charge_already_captured'), 'already_captured'],
    ['capture', facts(state, 'succeeded'), 'already_captured'],
    ['capture', facts(state, 'canceled', 'automatic'), 'hold_expired'],
    ['capture', facts(state, 'canceled', 'requested_by_customer'), 'canceled'],
    ['capture', facts(state, 'processing'), 'capture_refused'],
    ['capture', facts(state), 'capture_refused'],
    ['void', facts(state, 'succeeded'), 'already_captured'],
    ['void', facts(state, 'canceled'), 'canceled'],
    ['void', facts('a_code_of_2030'), 'release_refused'],
    ['refund', facts('charge_already_refunded'), 'already_refunded'],
    ['refund', facts('charge_disputed'), 'disputed'],
    ['refund', facts(undefined), 'refund_refused'],
    ['refund', facts(state, 'succeeded'), 'refund_refused'],
    ['adjust', facts(undefined), 'adjustment_refused'],
    ['adjust', facts('amount_too_large'), 'amount_refused'],
    // Names that every object inherits are no codes either.
    ['adjust', facts('constructor'), 'adjustment_refused'],
  ];
  for (const [kind, given, ours] of cases)
    test(`${kind}: ${given.code} ${given.intent?.status ?? ''} is ${ours}`, () => {
      assert.equal(refusalOf(kind, given).code, ours);
    });
});

test('whatever Stripe answers, judging it never throws and never succeeds by accident', () => {
  const status = fc.oneof(fc.string(), fc.constantFrom('succeeded', 'requires_capture', 'processing'));
  const odd = fc.record(
    {
      id: fc.oneof(fc.constant('pi_1'), fc.anything()),
      status,
      amount: fc.anything(),
      amount_received: fc.anything(),
      metadata: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.anything(), odd), (value) => {
      for (const judge of [
        outcomeOfCapture,
        outcomeOfVoid,
        outcomeOfAdjustment,
        foundCapture,
        foundVoid,
        foundAdjustment,
        outcomeOfRefund,
      ])
        assert.notEqual(judge(value, asked(5_000n)).kind, 'succeeded');
    }),
  );
});
