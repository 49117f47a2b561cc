import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '@centra/testkit/pause.ts';
import type { FollowUpAttempt, Lookup } from '../provider.ts';
import { done, held, next, paid, referenceOf, refused, stands, standing } from './subject.ts';
import type { Subject } from './subject.ts';

/** Giving money back: parts, races, banks that take their time or change their mind. */
export function refunds(subject: Subject): void {
  test('a refund gives everything back, has an id of its own, and happens once', async () => {
    const sale = await paid(subject, 10_000n);
    const attempt = next(sale, 'refund', 10_000n, { reason: 'requested_by_customer' });
    const outcome = await done(subject, sale, attempt);
    assert.notEqual(outcome.providerReference, sale.reference);
    await stands(subject, sale, ['captured', 10_000n, 10_000n, 0n]);
    refused(await subject.provider().followUp(next(sale, 'refund', 1n)));
    await stands(subject, sale, ['captured', 10_000n, 10_000n, 0n]);
  });

  if (subject.declares.partialRefunds)
    test('declared: parts are given back until nothing is left, and never more', async () => {
      const sale = await paid(subject, 10_000n);
      const references: string[] = [];
      for (const amountMinor of [2_500n, 2_500n, 4_000n])
        references.push(referenceOf(await done(subject, sale, next(sale, 'refund', amountMinor))));
      assert.equal(new Set(references).size, 3);
      await stands(subject, sale, ['captured', 10_000n, 9_000n, 0n]);
      refused(await subject.provider().followUp(next(sale, 'refund', 1_001n)));
      await done(subject, sale, next(sale, 'refund', 1_000n));
      await stands(subject, sale, ['captured', 10_000n, 10_000n, 0n]);
    });

  test('of 16 refunds of 60 out of 100 at once exactly one is made', async () => {
    const sale = await paid(subject, 10_000n);
    const outcomes = await Promise.all(
      Array.from({ length: 16 }, async () => await subject.provider().followUp(next(sale, 'refund', 6_000n))),
    );
    assert.ok(outcomes.filter(({ kind }) => kind === 'succeeded').length <= 1);
    assert.ok((await standing(subject, sale)).refundedMinor <= 6_000n);
    // Where the provider turned some away as "too many at once", one more settles it.
    if (!outcomes.some(({ kind }) => kind === 'succeeded'))
      await done(subject, sale, next(sale, 'refund', 6_000n));
    await stands(subject, sale, ['captured', 10_000n, 6_000n, 0n]);
  });

  test('what is only held cannot be given back', async () => {
    const hold = await held(subject, 10_000n);
    refused(await subject.provider().followUp(next(hold, 'refund', 1_000n)));
    await stands(subject, hold, ['held', 0n, 0n, 10_000n]);
  });

  for (const status of ['succeeded', 'failed'] as const)
    test(`a refund that the bank works on is pending, and ${status} when the bank says so`, async () => {
      const sale = await paid(subject, 10_000n, {
        card: status === 'succeeded' ? 'refund_pending' : 'refund_pending_fails',
      });
      const attempt = next(sale, 'refund', 4_000n);
      const outcome = await subject.provider().followUp(attempt);
      assert.ok(outcome.kind === 'pending', outcome.kind);
      assert.equal((await standing(subject, sale)).capturedMinor, 10_000n);
      await subject.settleRefund(outcome.providerReference, status);
      const settled = await settledRefund(subject, attempt, outcome.providerReference);
      assert.equal(settled.kind, status === 'succeeded' ? 'succeeded' : 'declined');
      await stands(subject, sale, ['captured', 10_000n, status === 'succeeded' ? 4_000n : 0n, 0n]);
    });

  test('a refund that was made and fails later is told as failed, and the money counts as kept again', async () => {
    const sale = await paid(subject, 10_000n, { card: 'refund_fails_later' });
    const attempt = next(sale, 'refund', 4_000n);
    const outcome = await subject.provider().followUp(attempt);
    assert.ok(outcome.kind === 'succeeded' || outcome.kind === 'pending', outcome.kind);
    await subject.settleRefund(outcome.providerReference, 'failed');
    await waitFor('the refund to fail', async () => {
      const found = await subject
        .provider()
        .lookupFollowUp({ ...attempt, providerReference: outcome.providerReference });
      return found.kind === 'declined' ? found : undefined;
    });
    await stands(subject, sale, ['captured', 10_000n, 0n, 0n]);
  });

  test('a disputed payment says so, and is not refunded', async () => {
    const sale = await paid(subject, 10_000n, { card: 'disputed' });
    const disputed = await waitFor('the dispute', async () => {
      const found = await standing(subject, sale);
      return found.disputed ? found : undefined;
    });
    assert.equal(disputed.capturedMinor, 10_000n);
    refused(await subject.provider().followUp(next(sale, 'refund', 1_000n)));
    assert.equal((await standing(subject, sale)).refundedMinor, 0n);
  });
}

/** The refund once it is no longer pending. */
async function settledRefund(
  subject: Subject,
  attempt: FollowUpAttempt,
  providerReference: string,
): Promise<Lookup> {
  return await waitFor('the refund to be settled', async () => {
    const found = await subject.provider().lookupFollowUp({ ...attempt, providerReference });
    return found.kind === 'pending' ? undefined : found;
  });
}
