import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChargeAttempt } from '../provider.ts';
import { refused } from './subject.ts';
import type { CardKind, Subject } from './subject.ts';

const RETURN_URL = 'https://hotel.example.com/back';

/** 3-D Secure: the guest at the bank's page. */
export function challenges(subject: Subject): void {
  test('a card that needs a challenge is declined when the guest cannot be sent anywhere', async () => {
    const attempt = await subject.attempt('challenged', { returnUrl: undefined });
    assert.equal(refused(await subject.provider().charge(attempt)), 'authentication_required');
  });

  test('a challenge waits for the guest, the same page for the same key, and nothing is collected meanwhile', async () => {
    const { attempt, challenge } = await challenged(subject, 'challenged');
    const again = await subject.provider().charge(attempt);
    assert.ok(again.kind === 'requires_action');
    assert.deepEqual(
      [again.providerReference, again.redirectUrl],
      [challenge.providerReference, challenge.redirectUrl],
    );
    const { account } = attempt;
    const open = await subject.provider().standing(account, challenge.providerReference, 'EUR');
    assert.deepEqual([open?.state, open?.capturedMinor, open?.capturableMinor], ['open', 0n, 0n]);
    const found = await subject.provider().retrieve(attempt, challenge.providerReference);
    assert.equal(found.kind, 'requires_action');
  });

  for (const captureMethod of ['automatic', 'manual'] as const)
    test(`a guest who confirms has paid exactly once (${captureMethod})`, async () => {
      const { attempt, challenge } = await challenged(subject, 'challenged', captureMethod);
      await subject.answerChallenge(challenge.redirectUrl, true);
      const found = await subject.provider().retrieve(attempt, challenge.providerReference);
      assert.ok(found.kind === 'succeeded', found.kind);
      assert.equal(found.hold !== undefined, captureMethod === 'manual');
      const after = await subject.provider().standing(attempt.account, found.providerReference, 'EUR');
      assert.deepEqual(
        [after?.state, after?.capturedMinor, after?.capturableMinor],
        captureMethod === 'manual' ? ['held', 0n, 12_500n] : ['captured', 12_500n, 0n],
      );
      if (subject.effects && captureMethod === 'automatic') assert.equal(await subject.effects(attempt), 1);
    });

  test('a guest who declines has paid nothing', async () => {
    const { attempt, challenge } = await challenged(subject, 'challenged');
    await subject.answerChallenge(challenge.redirectUrl, false);
    const found = await subject.provider().retrieve(attempt, challenge.providerReference);
    assert.equal(refused(found), 'authentication_failed');
    await holdsNothing(subject, attempt, challenge.providerReference);
  });

  test('a bank that declines after the challenge is believed', async () => {
    const { attempt, challenge } = await challenged(subject, 'challenged_then_declined');
    await subject.answerChallenge(challenge.redirectUrl, true);
    const found = await subject.provider().retrieve(attempt, challenge.providerReference);
    assert.equal(refused(found), 'insufficient_funds');
    await holdsNothing(subject, attempt, challenge.providerReference);
  });

  if (subject.declares.cancelChallenge)
    test('declared: an open challenge can be withdrawn; a guest who confirms afterwards pays nothing', async () => {
      const { attempt, challenge } = await challenged(subject, 'challenged');
      assert.match(challenge.redirectUrl, /^https?:/);
      const canceled = await subject.provider().cancelChallenge(attempt, challenge.providerReference);
      assert.equal(refused(canceled), 'authentication_abandoned');
      await subject.answerChallenge(challenge.redirectUrl, true);
      const found = await subject.provider().retrieve(attempt, challenge.providerReference);
      assert.equal(refused(found), 'authentication_abandoned');
      await holdsNothing(subject, attempt, challenge.providerReference);
      if (subject.effects) assert.equal(await subject.effects(attempt), 0);
    });

  test('withdrawing a challenge that the guest was quicker to confirm answers that it is paid', async () => {
    const { attempt, challenge } = await challenged(subject, 'challenged');
    await subject.answerChallenge(challenge.redirectUrl, true);
    const late = await subject.provider().cancelChallenge(attempt, challenge.providerReference);
    assert.equal(late.kind, 'succeeded');
  });
}

async function challenged(
  subject: Subject,
  card: CardKind,
  captureMethod: 'automatic' | 'manual' = 'automatic',
): Promise<{ attempt: ChargeAttempt; challenge: { redirectUrl: string; providerReference: string } }> {
  const attempt = await subject.attempt(card, { returnUrl: RETURN_URL, captureMethod });
  const challenge = await subject.provider().charge(attempt);
  assert.ok(challenge.kind === 'requires_action', challenge.kind);
  return { attempt, challenge };
}

async function holdsNothing(subject: Subject, attempt: ChargeAttempt, reference: string): Promise<void> {
  const found = await subject.provider().standing(attempt.account, reference, 'EUR');
  assert.deepEqual([found?.capturedMinor, found?.capturableMinor], [0n, 0n]);
  assert.notEqual(found?.state, 'held');
}
