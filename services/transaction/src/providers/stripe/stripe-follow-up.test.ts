import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FollowUpAttempt, Lookup, Outcome } from '../provider.ts';
import { CARDS, followUpOf, startStripeRig } from './stripe-rig.ts';
import type { StripeRig } from './stripe-rig.ts';

let rig: StripeRig;
before(async () => {
  rig = await startStripeRig();
});
after(async () => await rig.close());

const partly = (capturedMinor: bigint): Pick<FollowUpAttempt, 'before'> => ({
  before: { authorizedMinor: 12_500n, capturedMinor, refundedMinor: 0n },
});

function codeOf(outcome: Lookup): string {
  return outcome.kind === 'declined' ? outcome.failure.code : outcome.kind;
}

async function sold(number?: string): Promise<Awaited<ReturnType<StripeRig['held']>>> {
  const attempt = await rig.chargeAttempt({}, number);
  const outcome = await rig.provider.charge(attempt);
  assert.ok(outcome.kind === 'succeeded', codeOf(outcome));
  return { attempt, reference: outcome.providerReference };
}

async function stands(attempt: FollowUpAttempt): Promise<unknown> {
  const standing = await rig.provider.standing(attempt.account, attempt.paymentReference, 'EUR');
  assert.ok(standing);
  const { state, authorizedMinor, capturedMinor, refundedMinor, capturableMinor } = standing;
  return [state, authorizedMinor, capturedMinor, refundedMinor, capturableMinor];
}

describe('what follows a payment', () => {
  test('a hold is captured as a whole, once, and told as such', async () => {
    const held = await rig.held();
    const capture = followUpOf(held, 'capture', 12_500n);
    const outcome = await rig.provider.followUp(capture);
    assert.deepEqual(outcome, {
      kind: 'succeeded',
      providerReference: held.reference,
      amountMinor: 12_500n,
    });
    assert.deepEqual(await rig.provider.followUp(capture), outcome);
    assert.deepEqual(await rig.provider.lookupFollowUp(capture), outcome);
    assert.equal((await rig.effects('capture.succeeded', held.reference)).length, 1);
    assert.deepEqual(await stands(capture), ['captured', 12_500n, 12_500n, 0n, 0n]);
  });

  test('a hold is captured in parts, and its rest is released', async () => {
    const held = await rig.held();
    const first = followUpOf(held, 'capture', 5_000n, { isFinal: false });
    assert.equal((await rig.provider.followUp(first)).kind, 'succeeded');
    assert.deepEqual(await stands(first), ['held', 12_500n, 5_000n, 0n, 7_500n]);
    const second = followUpOf(held, 'capture', 3_000n, { isFinal: false, ...partly(5_000n) });
    assert.equal((await rig.provider.followUp(second)).kind, 'succeeded');
    assert.equal((await rig.provider.lookupFollowUp(second)).kind, 'succeeded');
    // The first can no longer be told from a capture by somebody else.
    assert.equal((await rig.provider.lookupFollowUp(first)).kind, 'unknown');
    const release = followUpOf(held, 'void', 4_500n, partly(8_000n));
    assert.equal((await rig.provider.lookupFollowUp(release)).kind, 'absent');
    assert.equal((await rig.provider.followUp(release)).kind, 'succeeded');
    assert.equal((await rig.provider.lookupFollowUp(release)).kind, 'succeeded');
    assert.deepEqual(await stands(release), ['captured', 12_500n, 8_000n, 0n, 0n]);
    const late = followUpOf(held, 'capture', 1_000n, partly(8_000n));
    assert.equal(codeOf(await rig.provider.followUp(late)), 'already_captured');
    assert.equal(codeOf(await rig.provider.lookupFollowUp(late)), 'absent');
  });

  test('a hold is voided, and nothing can be captured after', async () => {
    const held = await rig.held();
    const release = followUpOf(held, 'void', 12_500n);
    assert.equal((await rig.provider.lookupFollowUp(release)).kind, 'absent');
    assert.equal((await rig.provider.followUp(release)).kind, 'succeeded');
    assert.equal((await rig.provider.lookupFollowUp(release)).kind, 'succeeded');
    assert.equal((await rig.effects('authorization.released', held.reference)).length, 1);
    const standing = await rig.provider.standing(held.attempt.account, held.reference, 'EUR');
    assert.deepEqual([standing?.state, standing?.canceledBy], ['canceled', 'request']);
    const capture = followUpOf(held, 'capture', 12_500n);
    assert.equal(codeOf(await rig.provider.followUp(capture)), 'canceled');
    assert.equal(codeOf(await rig.provider.lookupFollowUp(capture)), 'canceled');
  });

  test('a hold is raised, and then that much can be captured', async () => {
    const held = await rig.held();
    const adjust = followUpOf(held, 'adjust', 15_000n);
    assert.equal((await rig.provider.lookupFollowUp(adjust)).kind, 'absent');
    const outcome = await rig.provider.followUp(adjust);
    assert.ok(outcome.kind === 'succeeded', codeOf(outcome));
    assert.equal(outcome.amountMinor, 15_000n);
    assert.deepEqual(
      [outcome.hold?.incremental, outcome.hold?.multipleCapture, outcome.hold?.overcaptureMinor],
      [true, true, 2_250n],
    );
    assert.deepEqual(await rig.provider.lookupFollowUp(adjust), outcome);
    const whole = { authorizedMinor: 15_000n, capturedMinor: 0n, refundedMinor: 0n };
    const capture = followUpOf(held, 'capture', 15_000n, { before: whole });
    assert.equal((await rig.provider.followUp(capture)).kind, 'succeeded');
  });

  test('a hold is not lowered: nothing is sent', async () => {
    const held = await rig.held();
    const outcome = await rig.provider.followUp(followUpOf(held, 'adjust', 10_000n));
    assert.equal(codeOf(outcome), 'adjustment_refused');
    const asked = await rig.stripe.journal('request');
    assert.ok(!asked.some(({ path }) => String(path).includes(`${held.reference}/increment`)));
  });

  test("the bank's no to an increment is a decline, and the hold stays as it was", async () => {
    const held = await rig.held(CARDS.noIncrement);
    const adjust = followUpOf(held, 'adjust', 15_000n);
    const outcome = await rig.provider.followUp(adjust);
    assert.ok(outcome.kind === 'declined', codeOf(outcome));
    assert.deepEqual(await rig.provider.lookupFollowUp(adjust), { kind: 'absent' });
    assert.deepEqual(await stands(adjust), ['held', 12_500n, 0n, 0n, 12_500n]);
  });

  test('a payment is refunded in parts, each once, and never beyond what was collected', async () => {
    const payment = await sold();
    const first = followUpOf(payment, 'refund', 2_500n);
    assert.deepEqual(await rig.provider.lookupFollowUp(first), { kind: 'absent' });
    const outcome = await rig.provider.followUp(first);
    assert.ok(outcome.kind === 'succeeded');
    assert.match(outcome.providerReference, /^re_/);
    assert.deepEqual(await rig.provider.followUp(first), outcome);
    assert.deepEqual(await rig.provider.lookupFollowUp(first), outcome);
    const second = followUpOf(payment, 'refund', 10_000n);
    assert.equal((await rig.provider.followUp(second)).kind, 'succeeded');
    assert.equal((await rig.effects('refund.succeeded', payment.reference)).length, 2);
    assert.deepEqual(await stands(first), ['captured', 12_500n, 12_500n, 12_500n, 0n]);
    const third = await rig.provider.followUp(followUpOf(payment, 'refund', 1n));
    assert.equal(codeOf(third), 'already_refunded');
    assert.equal('providerReference' in third, false, "the payment's id is not taken for the refund's");
  });

  test('a refund of more than is left, or of a hold, is refused', async () => {
    const payment = await sold();
    assert.equal(
      codeOf(await rig.provider.followUp(followUpOf(payment, 'refund', 12_501n))),
      'refund_refused',
    );
    const held = await rig.held();
    assert.equal(codeOf(await rig.provider.followUp(followUpOf(held, 'refund', 100n))), 'refund_refused');
  });

  test('a refund that the bank still works on is pending, is not sent again, and then ends', async () => {
    for (const [number, status, ends] of [
      [CARDS.refundPending, 'succeeded', 'succeeded'],
      [CARDS.refundPending, 'failed', 'refund_refused'],
    ] as const) {
      const payment = await sold(number);
      const refund = followUpOf(payment, 'refund', 2_500n);
      const outcome = await rig.provider.followUp(refund);
      assert.ok(outcome.kind === 'pending', codeOf(outcome));
      const known = { ...refund, providerReference: outcome.providerReference };
      assert.equal((await rig.provider.followUp(known)).kind, 'pending');
      await rig.control(`/refunds/${outcome.providerReference}`, { status });
      assert.equal(codeOf(await rig.provider.lookupFollowUp(known)), ends);
      // Stripe has forgotten the key meanwhile: knowing its id keeps it from being made again.
      await rig.stripe.arm({ fault: 'forget_keys', after_ms: 0, path: '/v1/refunds' });
      assert.equal(codeOf(await rig.provider.followUp(known)), ends);
      await rig.stripe.clearFaults();
      assert.equal((await rig.effects('refund.pending', payment.reference)).length, 1);
    }
  });

  test('a refund that the bank sends back after it succeeded is found to have failed', async () => {
    const payment = await sold(CARDS.refundFails);
    const refund = followUpOf(payment, 'refund', 2_500n);
    const outcome = await rig.provider.followUp(refund);
    assert.ok(outcome.kind === 'succeeded', codeOf(outcome));
    await rig.control(`/refunds/${outcome.providerReference}`, { status: 'failed' });
    assert.equal(codeOf(await rig.provider.lookupFollowUp(refund)), 'refund_refused');
    assert.deepEqual(await stands(refund), ['captured', 12_500n, 12_500n, 0n, 0n]);
  });

  test('a disputed payment is not refunded, and its dispute is read', async () => {
    const payment = await sold();
    await rig.control('/disputes', { payment_intent: payment.reference });
    assert.equal(codeOf(await rig.provider.followUp(followUpOf(payment, 'refund', 100n))), 'disputed');
    const standing = await rig.provider.standing(payment.attempt.account, payment.reference, 'EUR');
    assert.equal(standing?.disputed, true);
    const opened = await rig.stripe.journal('effect');
    const dispute = opened.find(
      (line) => line['effect'] === 'dispute.opened' && line['payment_intent'] === payment.reference,
    );
    const read = await rig.provider.readDispute(payment.attempt.account, String(dispute?.['dispute']));
    assert.deepEqual(
      [read?.status, read?.isInquiry, read?.money],
      ['open', false, { amountMinor: 12_500n, currency: 'EUR' }],
    );
    assert.equal(await rig.provider.readDispute(payment.attempt.account, 'dp_none'), undefined);
  });

  test('what Stripe does not know has no standing', async () => {
    const { attempt } = await sold();
    assert.equal(await rig.provider.standing(attempt.account, 'pi_none', 'EUR'), undefined);
    assert.equal(await rig.provider.standing(attempt.account, 'cs_none', 'EUR'), undefined);
  });
});

type Kind = FollowUpAttempt['kind'];
const KINDS: Record<Kind, { path: string; effect: string; amountMinor: bigint }> = {
  capture: { path: '/capture$', effect: 'capture.succeeded', amountMinor: 5_000n },
  void: { path: '/cancel$', effect: 'authorization.released', amountMinor: 12_500n },
  adjust: { path: '/increment_authorization$', effect: 'authorization.incremented', amountMinor: 15_000n },
  refund: { path: '^/v1/refunds$', effect: 'refund.succeeded', amountMinor: 2_500n },
};

/** A fault; what the first call must answer; what was done by then; what sending again must answer. */
type Fault = [fault: string, first: Outcome['kind'], isDone: boolean, again: Outcome['kind']];
const FAULTS: readonly Fault[] = [
  ['act_then_drop', 'unknown', true, 'succeeded'],
  ['drop_before_act', 'unknown', false, 'succeeded'],
  // The stored error is all that the key will ever give again.
  ['error_after', 'unknown', true, 'unknown'],
  ['error_before', 'unknown', false, 'succeeded'],
  ['truncated_body', 'unknown', true, 'succeeded'],
  ['rate_limit', 'not_sent', false, 'succeeded'],
  ['lock_timeout', 'not_sent', false, 'succeeded'],
  ['idempotency_in_use', 'unknown', false, 'succeeded'],
];

describe('a fault on the way: unknown, then found out, and done once', () => {
  for (const kind of ['capture', 'void', 'adjust', 'refund'] as const)
    for (const [fault, first, isDone, again] of FAULTS)
      test(`${kind} under ${fault}`, async () => {
        const { path, effect, amountMinor } = KINDS[kind];
        const payment = kind === 'refund' ? await sold() : await rig.held();
        const attempt = followUpOf(payment, kind, amountMinor);
        await rig.stripe.arm({ fault, method: 'POST', path });
        assert.equal((await rig.provider.followUp(attempt)).kind, first);
        await rig.stripe.clearFaults();
        assert.equal((await rig.provider.lookupFollowUp(attempt)).kind, isDone ? 'succeeded' : 'absent');
        const outcome = await rig.provider.followUp(attempt);
        assert.equal(outcome.kind, again);
        if (outcome.kind === 'unknown') assert.equal(outcome.onlyLookupTells, true);
        assert.equal((await rig.provider.lookupFollowUp(attempt)).kind, 'succeeded');
        assert.equal((await rig.effects(effect, payment.reference)).length, 1);
      });

  test('a key that no longer works is a refusal at the door, and proves nothing of an earlier call', async () => {
    const held = await rig.held();
    await rig.stripe.arm({ fault: 'revoked_credential', path: '/capture$' });
    const outcome = await rig.provider.followUp(followUpOf(held, 'capture', 12_500n));
    assert.ok(outcome.kind === 'declined');
    assert.deepEqual([outcome.failure.code, outcome.beforeCharge], ['provider_credentials_rejected', true]);
    await rig.stripe.clearFaults();
  });
});
