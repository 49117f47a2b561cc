import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '@centra/testkit/pause.ts';
import { ALL_EXTRAS } from '../../testing/attempts.ts';
import type { HostedAttempt } from '../provider.ts';
import { done, next, refused, stands } from './subject.ts';
import type { Known, Subject } from './subject.ts';

type Opened = { attempt: HostedAttempt; page: { redirectUrl: string; providerReference: string } };

/** The provider's own page that collects the card. */
export function hostedPages(subject: Subject): void {
  if (!subject.declares.hostedPage) return;

  test('declared: a hosted page opens once for a key, and nothing is paid meanwhile', async () => {
    const { attempt, page } = await opened(subject);
    assert.match(page.redirectUrl, /^https?:/);
    const again = await subject.provider().openHostedPage(attempt);
    assert.ok(again.kind === 'requires_action');
    assert.deepEqual(
      [again.redirectUrl, again.providerReference],
      [page.redirectUrl, page.providerReference],
    );
    assert.equal(
      (await subject.provider().retrieve(attempt, page.providerReference)).kind,
      'requires_action',
    );
    const open = await subject.provider().standing(attempt.account, page.providerReference, 'EUR');
    assert.deepEqual([open?.state, open?.capturedMinor, open?.capturableMinor], ['open', 0n, 0n]);
  });

  test('declared: a guest who pays there has paid exactly the amount, and it can be given back', async () => {
    const { attempt, page } = await opened(subject);
    assert.equal(await subject.payOnPage(page.redirectUrl), true);
    const known = await paidThere(subject, attempt, page.providerReference);
    await stands(subject, known, ['captured', 12_500n, 0n, 0n]);
    known.before = { ...known.before, capturedMinor: 12_500n };
    await done(subject, known, next(known, 'refund', 2_500n));
    await stands(subject, known, ['captured', 12_500n, 2_500n, 0n]);
    assert.equal(await subject.payOnPage(page.redirectUrl), false, 'nobody pays twice');
  });

  test('declared: a hosted page can hold instead, and the hold is captured later', async () => {
    const { attempt, page } = await opened(subject, { captureMethod: 'manual', extras: ALL_EXTRAS });
    assert.equal(await subject.payOnPage(page.redirectUrl), true);
    const known = await paidThere(subject, attempt, page.providerReference);
    await stands(subject, known, ['held', 0n, 0n, 12_500n]);
    await done(subject, known, next(known, 'capture', 12_500n));
    await stands(subject, known, ['captured', 12_500n, 0n, 0n]);
  });

  test('declared: a page that is withdrawn takes no payment any more', async () => {
    const { attempt, page } = await opened(subject);
    refused(await subject.provider().cancelChallenge(attempt, page.providerReference));
    assert.equal(await subject.payOnPage(page.redirectUrl), false);
    refused(await subject.provider().retrieve(attempt, page.providerReference));
    const after = await subject.provider().standing(attempt.account, page.providerReference, 'EUR');
    assert.deepEqual([after?.capturedMinor, after?.capturableMinor], [0n, 0n]);
  });

  test('declared: withdrawing a page that the guest was quicker to pay on answers that it is paid', async () => {
    const { attempt, page } = await opened(subject);
    assert.equal(await subject.payOnPage(page.redirectUrl), true);
    const late = await subject.provider().cancelChallenge(attempt, page.providerReference);
    assert.equal(late.kind, 'succeeded');
  });

  if (subject.declares.lookupByReference)
    test('declared: a page whose address got lost is found by our own reference', async () => {
      const { attempt, page } = await opened(subject);
      const found = await waitFor('the lookup of the page', async () => {
        const seen = await subject.provider().lookup(attempt);
        return seen.kind === 'requires_action' ? seen : undefined;
      });
      assert.deepEqual(
        [found.redirectUrl, found.providerReference],
        [page.redirectUrl, page.providerReference],
      );
      const never = await subject.provider().lookup(await subject.hosted());
      assert.equal(never.kind, 'absent');
    });
}

async function opened(subject: Subject, change: Partial<HostedAttempt> = {}): Promise<Opened> {
  const attempt = await subject.hosted(change);
  const page = await subject.provider().openHostedPage(attempt);
  assert.ok(page.kind === 'requires_action', page.kind);
  return { attempt, page };
}

/** What the core then knows of it; follow-ups go by the reference that the outcome carries. */
async function paidThere(subject: Subject, attempt: HostedAttempt, reference: string): Promise<Known> {
  const outcome = await subject.provider().retrieve(attempt, reference);
  assert.ok(outcome.kind === 'succeeded', outcome.kind);
  assert.equal(outcome.card?.last4, '4242');
  assert.equal(outcome.hold !== undefined, attempt.captureMethod === 'manual');
  const { amountMinor, currency } = attempt.money;
  const charge = await subject.attempt('approved', {
    account: attempt.account,
    money: attempt.money,
    paymentId: attempt.paymentId,
  });
  return {
    charge,
    reference: outcome.providerReference,
    currency,
    before: { authorizedMinor: amountMinor, capturedMinor: 0n, refundedMinor: 0n },
  };
}
