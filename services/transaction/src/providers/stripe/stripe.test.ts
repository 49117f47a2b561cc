import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { HostedAttempt, Lookup } from '../provider.ts';
import { ALL_EXTRAS, CARDS, startStripeRig } from './stripe-rig.ts';
import type { StripeRig } from './stripe-rig.ts';

let rig: StripeRig;
before(async () => {
  rig = await startStripeRig();
});
after(async () => await rig.close());

const DAY_MS = 24 * 60 * 60_000;

function codeOf(outcome: Lookup): string {
  return outcome.kind === 'declined' ? outcome.failure.code : outcome.kind;
}

function referenceOf(outcome: Lookup): string {
  const reference = 'providerReference' in outcome ? outcome.providerReference : undefined;
  assert.ok(reference, `${codeOf(outcome)} carries a reference`);
  return reference;
}

describe('a charge', () => {
  test('a hold tells what it allows, the card and the network’s id, and finding it again tells the same', async () => {
    const attempt = await rig.chargeAttempt({ captureMethod: 'manual', extras: ALL_EXTRAS });
    const outcome = await rig.provider.charge(attempt);
    assert.ok(outcome.kind === 'succeeded', codeOf(outcome));
    assert.deepEqual(
      [outcome.hold?.multipleCapture, outcome.hold?.incremental, outcome.hold?.overcaptureMinor],
      [true, true, 1_875n],
    );
    const daysHeld = ((outcome.hold?.expiresAt?.getTime() ?? 0) - Date.now()) / DAY_MS;
    assert.ok(daysHeld > 28 && daysHeld < 31, `${daysHeld} days`);
    assert.equal(outcome.card?.last4, '4242');
    assert.ok(outcome.networkTransactionId);
    assert.deepEqual(await rig.provider.retrieve(attempt, outcome.providerReference), outcome);
    assert.equal((await rig.effects('authorization.succeeded', outcome.providerReference)).length, 1);
    assert.equal((await rig.effects('charge.succeeded', outcome.providerReference)).length, 0);
  });

  test('what was not asked for is not there', async () => {
    const attempt = await rig.chargeAttempt({ captureMethod: 'manual' });
    const outcome = await rig.provider.charge(attempt);
    assert.ok(outcome.kind === 'succeeded', codeOf(outcome));
    const { expiresAt, ...allowed } = outcome.hold ?? {};
    assert.deepEqual(allowed, { multipleCapture: false, incremental: false, overcaptureMinor: 0n });
    const daysHeld = ((expiresAt?.getTime() ?? 0) - Date.now()) / DAY_MS;
    assert.ok(daysHeld > 4 && daysHeld < 8, `${daysHeld} days`);
  });

  test('a sale has no hold', async () => {
    const outcome = await rig.provider.charge(await rig.chargeAttempt({ extras: ALL_EXTRAS }));
    assert.ok(outcome.kind === 'succeeded', codeOf(outcome));
    assert.equal(outcome.hold, undefined);
  });

  test('without the guest a challenge is a decline; by telephone none is asked for', async () => {
    const change = { returnUrl: 'https://hotel.example.com/back' };
    const absent = await rig.chargeAttempt({ ...change, initiation: 'merchant' }, CARDS.challenged);
    assert.equal(codeOf(await rig.provider.charge(absent)), 'authentication_required');
    const phoned = await rig.chargeAttempt({ ...change, initiation: 'moto' }, CARDS.challenged);
    assert.equal(codeOf(await rig.provider.charge(phoned)), 'succeeded');
    const present = await rig.chargeAttempt(change, CARDS.challenged);
    assert.equal(codeOf(await rig.provider.charge(present)), 'requires_action');
  });

  test('withdrawing the challenge of what is already held leaves it held', async () => {
    const { attempt, reference } = await rig.held();
    assert.equal(codeOf(await rig.provider.cancelChallenge(attempt, reference)), 'succeeded');
    assert.equal((await rig.effects('authorization.released', reference)).length, 0);
  });
});

async function pay(reference: string, how: Record<string, unknown> = {}): Promise<void> {
  await rig.control(`/checkout/sessions/${reference}/pay`, how);
}

/** Opens the page and answers its reference. */
async function open(attempt: HostedAttempt): Promise<string> {
  const outcome = await rig.provider.openHostedPage(attempt);
  assert.ok(outcome.kind === 'requires_action', codeOf(outcome));
  assert.match(outcome.providerReference, /^cs_/);
  assert.match(outcome.redirectUrl, /^https?:/);
  const offMs = (outcome.expiresAt?.getTime() ?? 0) - attempt.expiresAt.getTime();
  assert.ok(Math.abs(offMs) < 1_000, `closes ${offMs} ms off`);
  return outcome.providerReference;
}

describe('a hosted page', () => {
  test('is opened once for one key, and stays open until the guest acts', async () => {
    const attempt = await rig.hostedAttempt();
    assert.deepEqual(await rig.provider.lookup(attempt), { kind: 'absent' });
    const reference = await open(attempt);
    assert.equal(await open(attempt), reference);
    assert.equal(codeOf(await rig.provider.retrieve(attempt, reference)), 'requires_action');
    assert.equal(referenceOf(await rig.provider.lookup(attempt)), reference);
    const standing = await rig.provider.standing(attempt.account, reference, 'EUR');
    assert.equal(standing?.state, 'open');
  });

  test('that was paid is its payment: the reference, the card, and as often as asked', async () => {
    const attempt = await rig.hostedAttempt();
    const reference = await open(attempt);
    await pay(reference);
    const outcome = await rig.provider.retrieve(attempt, reference);
    assert.ok(outcome.kind === 'succeeded', codeOf(outcome));
    assert.match(outcome.providerReference, /^pi_/);
    assert.equal(outcome.card?.last4, '4242');
    assert.deepEqual(await rig.provider.lookup(attempt), outcome);
    assert.deepEqual(await rig.provider.cancelChallenge(attempt, reference), outcome);
    assert.deepEqual(await rig.provider.retrieve(attempt, outcome.providerReference), outcome);
    assert.equal((await rig.effects('charge.succeeded', outcome.providerReference)).length, 1);
    const standing = await rig.provider.standing(attempt.account, reference, 'EUR');
    assert.deepEqual([standing?.state, standing?.capturedMinor], ['captured', 12_500n]);
  });

  test('can hold instead of collect', async () => {
    const attempt = await rig.hostedAttempt({ captureMethod: 'manual', extras: ALL_EXTRAS });
    const reference = await open(attempt);
    await pay(reference);
    const outcome = await rig.provider.retrieve(attempt, reference);
    assert.ok(outcome.kind === 'succeeded', codeOf(outcome));
    assert.deepEqual([outcome.hold?.multipleCapture, outcome.hold?.overcaptureMinor], [true, 1_875n]);
  });

  test('paid by a method that settles later is pending, and then paid', async () => {
    const attempt = await rig.hostedAttempt();
    const reference = await open(attempt);
    await pay(reference, { delayed: true, delay_ms: 10_000 });
    const pending = await rig.provider.retrieve(attempt, reference);
    assert.equal(codeOf(pending), 'pending');
    await rig.control('/clock', { advance_ms: 11_000 });
    const outcome = await rig.provider.retrieve(attempt, reference);
    assert.equal(codeOf(outcome), 'succeeded');
    assert.equal(referenceOf(pending), referenceOf(outcome));
  });

  test('a declined card leaves it open', async () => {
    const attempt = await rig.hostedAttempt();
    const reference = await open(attempt);
    await pay(reference, { card: 'pm_card_chargeDeclined' });
    assert.equal(codeOf(await rig.provider.retrieve(attempt, reference)), 'requires_action');
  });

  test('can be closed, and then nobody can pay there', async () => {
    const attempt = await rig.hostedAttempt();
    const reference = await open(attempt);
    for (let time = 0; time < 2; time += 1)
      assert.equal(
        codeOf(await rig.provider.cancelChallenge(attempt, reference)),
        'authentication_abandoned',
      );
    assert.equal(codeOf(await rig.provider.retrieve(attempt, reference)), 'authentication_abandoned');
    assert.equal(codeOf(await rig.provider.lookup(attempt)), 'authentication_abandoned');
    await assert.rejects(pay(reference), /409/);
    const standing = await rig.provider.standing(attempt.account, reference, 'EUR');
    assert.equal(standing?.state, 'canceled');
  });

  for (const [fault, isDone] of [
    ['act_then_drop', true],
    ['drop_before_act', false],
    ['truncated_body', true],
  ] as const)
    test(`whose answer is lost (${fault}) is found, and opened once`, async () => {
      const attempt = await rig.hostedAttempt();
      await rig.stripe.arm({ fault, method: 'POST', path: '/v1/checkout/sessions' });
      assert.equal(codeOf(await rig.provider.openHostedPage(attempt)), 'unknown');
      await rig.stripe.clearFaults();
      assert.equal(codeOf(await rig.provider.lookup(attempt)), isDone ? 'requires_action' : 'absent');
      await open(attempt);
      const opened = (await rig.stripe.journal('effect')).filter(
        (line) =>
          line['effect'] === 'checkout.session.created' && line['client_reference_id'] === attempt.paymentId,
      );
      assert.equal(opened.length, 1);
    });

  test('a hotel with many pages that day: the page is found behind a hundred others', async () => {
    const first = await rig.hostedAttempt();
    const reference = await open(first);
    const others = Array.from({ length: 101 }, async (_none, index) => {
      const { operationId, ...rest } = await rig.hostedAttempt({ account: first.account });
      await rig.provider.openHostedPage({
        ...rest,
        operationId,
        providerKey: `${rest.providerKey}-${index}`,
      });
    });
    await Promise.all(others);
    assert.equal(referenceOf(await rig.provider.lookup(first)), reference);
  });
});
