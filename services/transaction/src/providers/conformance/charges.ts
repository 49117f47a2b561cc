import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILURES } from '../failure.ts';
import { held, paid, referenceOf, refused, stands } from './subject.ts';
import type { Subject } from './subject.ts';
import { waitFor } from '@centra/testkit/pause.ts';

/** Sales and authorisations: what the first call of a payment answers, and how it is found again. */
export function charges(subject: Subject): void {
  test('an approved card succeeds with a reference and what may be shown of the card', async () => {
    const { charge, outcome } = await paid(subject, 12_500n);
    assert.ok(referenceOf(outcome));
    assert.equal(outcome.card?.last4, '4242');
    assert.equal(outcome.hold, undefined, 'a sale holds nothing');
    if (subject.effects) assert.equal(await subject.effects(charge), 1);
  });

  test('a declined card is declined with one of our reasons, and no money moves', async () => {
    for (const captureMethod of ['automatic', 'manual'] as const) {
      const attempt = await subject.attempt('declined', { captureMethod });
      const outcome = await subject.provider().charge(attempt);
      assert.ok(outcome.kind === 'declined');
      assert.equal(outcome.failure.code, 'insufficient_funds');
      assert.equal(outcome.failure.message, FAILURES.insufficient_funds.message);
      assert.equal(
        outcome.beforeCharge,
        undefined,
        'this is the word of the bank, not a refusal at the door',
      );
      if (subject.effects) assert.equal(await subject.effects(attempt), 0);
    }
  });

  test('an unknown card token is declined as such, and no money moves', async () => {
    const attempt = await subject.attempt('unknown');
    assert.equal(refused(await subject.provider().charge(attempt)), 'card_token_invalid');
    if (subject.effects) assert.equal(await subject.effects(attempt), 0);
  });

  test('the same key twice, at once or later, gives the same outcome and one effect', async () => {
    for (const card of ['approved', 'declined'] as const) {
      const attempt = await subject.attempt(card);
      const first = await subject.provider().charge(attempt);
      assert.deepEqual(await subject.provider().charge(attempt), first);
      if (subject.effects) assert.equal(await subject.effects(attempt), card === 'approved' ? 1 : 0);
    }
    const raced = await subject.attempt('approved');
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => await subject.provider().charge(raced)),
    );
    for (const { kind } of outcomes)
      assert.ok(kind === 'succeeded' || kind === 'unknown' || kind === 'not_sent', kind);
    assert.equal((await subject.provider().charge(raced)).kind, 'succeeded');
    if (subject.effects) assert.equal(await subject.effects(raced), 1);
  });

  test('another key is another charge', async () => {
    const references = await Promise.all([paid(subject, 12_500n), paid(subject, 12_500n)]);
    assert.equal(new Set(references.map(({ reference }) => reference)).size, 2);
  });

  const { unreachable } = subject;
  if (unreachable)
    test('a provider nobody answers for: the charge says that nothing was sent', async () => {
      assert.equal((await unreachable().charge(await subject.attempt('approved'))).kind, 'not_sent');
    });

  standingsOfCharges(subject);
  lookups(subject);
}

function standingsOfCharges(subject: Subject): void {
  test('a sale stands captured, an authorisation held, a decline failed, each with exactly its amount', async () => {
    const sale = await paid(subject, 12_500n);
    await stands(subject, sale, ['captured', 12_500n, 0n, 0n]);
    const hold = await held(subject, 12_500n);
    const found = await stands(subject, hold, ['held', 0n, 0n, 12_500n]);
    assert.equal(found.authorizedMinor, 12_500n);
    assert.equal(found.disputed, false);
    const declined = await subject.attempt('declined');
    const reference = referenceOf(await subject.provider().charge(declined));
    const failed = await subject.provider().standing(declined.account, reference, 'EUR');
    // A provider may keep a declined payment open for another card; it holds and has nothing in any case.
    assert.ok(failed && ['failed', 'open', 'canceled'].includes(failed.state), failed?.state);
    assert.deepEqual([failed.capturedMinor, failed.capturableMinor], [0n, 0n]);
  });

  test('a reference that the provider does not know has no standing', async () => {
    const { charge } = await paid(subject, 12_500n);
    assert.equal(await subject.provider().standing(charge.account, 'pi_0000000000000000', 'EUR'), undefined);
  });

  if (!subject.declares.partialApproval)
    test('not declared: a part is never approved, asked for or not', async () => {
      const { outcome } = await paid(subject, 12_500n, { allowPartialApproval: true });
      assert.ok(outcome.amountMinor === undefined || outcome.amountMinor === 12_500n);
    });
}

function lookups(subject: Subject): void {
  test('retrieve says of each charge what the charge said', async () => {
    for (const captureMethod of ['automatic', 'manual'] as const)
      for (const card of ['approved', 'declined'] as const) {
        const attempt = await subject.attempt(card, { captureMethod });
        const said = await subject.provider().charge(attempt);
        const found = await subject.provider().retrieve(attempt, referenceOf(said));
        assert.deepEqual([found.kind, referenceOf(found)], [said.kind, referenceOf(said)]);
        if (found.kind === 'declined' && said.kind === 'declined')
          assert.equal(found.failure.code, said.failure.code);
        if (found.kind === 'succeeded' && said.kind === 'succeeded') assert.deepEqual(found.hold, said.hold);
      }
  });

  if (subject.declares.lookupByReference)
    test('declared: a lookup finds a sale and an authorisation by our own reference, with the card', async () => {
      for (const known of [await paid(subject, 12_500n), await held(subject, 12_500n)]) {
        const found = await waitFor('the lookup to find it', async () => {
          const seen = await subject.provider().lookup(known.charge);
          return seen.kind === 'succeeded' ? seen : undefined;
        });
        assert.equal(referenceOf(found), known.reference);
        assert.equal(found.card?.last4, '4242');
      }
    });

  test('withdrawing what is already paid answers that it is paid', async () => {
    const { charge, reference } = await paid(subject, 12_500n);
    assert.equal((await subject.provider().cancelChallenge(charge, reference)).kind, 'succeeded');
  });
}
