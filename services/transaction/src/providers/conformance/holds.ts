import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_EXTRAS, NO_EXTRAS } from '../../testing/attempts.ts';
import type { FollowUpAttempt } from '../provider.ts';
import { done, held, next, paid, refused, stands } from './subject.ts';
import type { Known, Subject } from './subject.ts';

/** Captures, voids and adjustments of a hold. */
export function holds(subject: Subject): void {
  if (!subject.declares.manualCapture) return;
  if (subject.declares.holdExpiry === 'provider')
    test('declared: each hold says when it lapses, and what it allows', async () => {
      const { charge, outcome } = await held(subject, 10_000n);
      assert.ok(outcome.hold?.expiresAt);
      assert.ok(outcome.hold.expiresAt > charge.createdAt);
      const plain = await held(subject, 10_000n, { extras: NO_EXTRAS });
      const { multipleCapture, incremental, overcaptureMinor } = plain.outcome.hold ?? {};
      assert.deepEqual([multipleCapture, incremental, overcaptureMinor], [false, false, 0n]);
    });

  test('the whole hold is captured once, and what is captured can neither be captured again nor voided', async () => {
    const hold = await held(subject, 10_000n);
    const { amountMinor } = await done(subject, hold, next(hold, 'capture', 10_000n));
    assert.ok(amountMinor === undefined || amountMinor === 10_000n);
    await stands(subject, hold, ['captured', 10_000n, 0n, 0n]);
    refused(await subject.provider().followUp(next(hold, 'capture', 1_000n)));
    refused(await subject.provider().followUp(next(hold, 'void', 10_000n)));
    await stands(subject, hold, ['captured', 10_000n, 0n, 0n]);
  });

  if (subject.declares.partialCapture)
    test('declared: a part is captured and the rest let go', async () => {
      const hold = await held(subject, 10_000n, { extras: NO_EXTRAS });
      await done(subject, hold, next(hold, 'capture', 4_000n));
      await stands(subject, hold, ['captured', 4_000n, 0n, 0n]);
      refused(await subject.provider().followUp(next(hold, 'capture', 1_000n)));
    });

  test('more than the hold is refused, and the hold stays as it was', async () => {
    const hold = await held(subject, 10_000n, { extras: NO_EXTRAS });
    refused(await subject.provider().followUp(next(hold, 'capture', 10_100n)));
    await stands(subject, hold, ['held', 0n, 0n, 10_000n]);
  });

  test('a hold is voided: nothing was collected and nothing can be', async () => {
    const hold = await held(subject, 10_000n);
    await done(subject, hold, next(hold, 'void', 10_000n, { reason: 'requested_by_customer' }));
    const found = await stands(subject, hold, ['canceled', 0n, 0n, 0n]);
    assert.equal(found.canceledBy, 'request');
    refused(await subject.provider().followUp(next(hold, 'capture', 10_000n)));
    await stands(subject, hold, ['canceled', 0n, 0n, 0n]);
  });

  test('a sale cannot be voided or captured', async () => {
    const sale = await paid(subject, 10_000n);
    refused(await subject.provider().followUp(next(sale, 'void', 10_000n)));
    refused(await subject.provider().followUp(next(sale, 'capture', 10_000n)));
    await stands(subject, sale, ['captured', 10_000n, 0n, 0n]);
  });

  test('capture against void at once: one of them wins, and the money is where the winner says', async () => {
    const hold = await held(subject, 10_000n);
    const [captured, voided] = await Promise.all([
      subject.provider().followUp(next(hold, 'capture', 10_000n)),
      subject.provider().followUp(next(hold, 'void', 10_000n)),
    ]);
    assert.ok(!(captured.kind === 'succeeded' && voided.kind === 'succeeded'));
    if (captured.kind === 'succeeded') await stands(subject, hold, ['captured', 10_000n, 0n, 0n]);
    if (voided.kind === 'succeeded') await stands(subject, hold, ['canceled', 0n, 0n, 0n]);
  });

  severalCaptures(subject);
  adjustments(subject);
}

function severalCaptures(subject: Subject): void {
  const keepOpen = { isFinal: false };
  if (subject.declares.multipleCapture === 'per_hold') {
    test('declared: a hold that says so is captured in several parts, then closed by the last', async () => {
      const extras = { ...ALL_EXTRAS, overcapture: false };
      const hold = await held(subject, 10_000n, { extras });
      assert.equal(hold.outcome.hold?.multipleCapture, true);
      await done(subject, hold, next(hold, 'capture', 2_500n, keepOpen));
      await stands(subject, hold, ['held', 2_500n, 0n, 7_500n]);
      await done(subject, hold, next(hold, 'capture', 3_000n, keepOpen));
      await stands(subject, hold, ['held', 5_500n, 0n, 4_500n]);
      refused(await subject.provider().followUp(next(hold, 'capture', 5_500n, keepOpen)));
      await done(subject, hold, next(hold, 'capture', 1_000n));
      await stands(subject, hold, ['captured', 6_500n, 0n, 0n]);
    });

    test('declared: what is left after a part is let go by a void, and the part stays captured', async () => {
      const hold = await held(subject, 10_000n);
      await done(subject, hold, next(hold, 'capture', 2_500n, keepOpen));
      await done(subject, hold, next(hold, 'void', 7_500n));
      await stands(subject, hold, ['captured', 2_500n, 0n, 0n]);
    });
  } else
    test('not declared: no hold says that it can be captured several times', async () => {
      assert.equal((await held(subject, 10_000n)).outcome.hold?.multipleCapture, false);
    });

  if (subject.declares.overcapture === 'per_hold')
    test('declared: as much more as the hold says is captured, and not one unit beyond', async () => {
      const hold = await held(subject, 10_000n);
      const more = hold.outcome.hold?.overcaptureMinor ?? 0n;
      assert.ok(more > 0n);
      refused(await subject.provider().followUp(next(hold, 'capture', 10_001n + more)));
      await stands(subject, hold, ['held', 0n, 0n, 10_000n]);
      await done(subject, hold, next(hold, 'capture', 10_000n + more));
      await stands(subject, hold, ['captured', 10_000n + more, 0n, 0n]);
    });
}

function adjustments(subject: Subject): void {
  if (subject.declares.incrementalAuthorization === 'per_hold')
    test('declared: a hold that says so is raised to a new total, and all of it can be captured', async () => {
      const hold = await held(subject, 10_000n);
      assert.equal(hold.outcome.hold?.incremental, true);
      const raised = await done(subject, hold, next(hold, 'adjust', 15_000n));
      assert.ok(raised.hold);
      const found = await stands(subject, hold, ['held', 0n, 0n, 15_000n]);
      assert.equal(found.authorizedMinor, 15_000n);
      await done(subject, hold, next(hold, 'capture', 15_000n));
      await stands(subject, hold, ['captured', 15_000n, 0n, 0n]);
      refused(await subject.provider().followUp(next(hold, 'adjust', 20_000n)));
    });

  test('a hold that does not say so is not raised, and stays as it was', async () => {
    const hold = await held(subject, 10_000n, { extras: NO_EXTRAS });
    refused(await subject.provider().followUp(next(hold, 'adjust', 15_000n)));
    await stands(subject, hold, ['held', 0n, 0n, 10_000n]);
  });

  if (subject.declares.decreaseAuthorization)
    test('declared: a hold is lowered, and no more than the new total can be captured', async () => {
      const hold = await held(subject, 10_000n, { extras: NO_EXTRAS });
      await done(subject, hold, next(hold, 'adjust', 6_000n));
      await stands(subject, hold, ['held', 0n, 0n, 6_000n]);
      refused(await subject.provider().followUp(next(hold, 'capture', 6_001n)));
      await done(subject, hold, next(hold, 'capture', 6_000n));
      await stands(subject, hold, ['captured', 6_000n, 0n, 0n]);
    });
  else
    test('not declared: lowering a hold is refused, and it stays as it was', async () => {
      const hold = await held(subject, 10_000n);
      const attempt: FollowUpAttempt = next(hold, 'adjust', 6_000n);
      refused(await subject.provider().followUp(attempt));
      await stands(subject, hold, ['held', 0n, 0n, 10_000n]);
    });
}

/** Holds that ran out. Last of all: at some providers this moves the clock for everything after it. */
export function lapsedHolds(subject: Subject): void {
  if (subject.declares.holdExpiry !== 'provider') return;
  test('a hold that lapsed is canceled by expiry; nothing can be captured or voided any more', async () => {
    const { attempt: charge, reference } = await subject.lapsedHold();
    const { amountMinor, currency } = charge.money;
    const before = { authorizedMinor: amountMinor, capturedMinor: 0n, refundedMinor: 0n };
    const known: Known = { charge, reference, currency, before };
    const found = await stands(subject, known, ['canceled', 0n, 0n, 0n]);
    assert.equal(found.canceledBy, 'expiry');
    refused(await subject.provider().followUp(next(known, 'capture', amountMinor)));
    refused(await subject.provider().followUp(next(known, 'void', amountMinor)));
    await stands(subject, known, ['canceled', 0n, 0n, 0n]);
  });
}
