import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { waitFor } from '@centra/testkit/pause.ts';
import type { FollowUpAttempt, PaymentStanding } from '../provider.ts';
import { held, next, paid, referenceOf, remember, standing } from './subject.ts';
import type { Known, Subject } from './subject.ts';

export type FollowUpKind = FollowUpAttempt['kind'];

/** A payment that can take an operation of that kind, and the operation. */
export async function prepared(
  subject: Subject,
  kind: FollowUpKind,
  amountMinor: bigint,
  currency = 'EUR',
): Promise<{ known: Known; attempt: FollowUpAttempt }> {
  switch (kind) {
    case 'capture': {
      const known = await held(subject, amountMinor * 2n, { currency });
      return { known, attempt: next(known, kind, amountMinor) };
    }
    case 'void': {
      const known = await held(subject, amountMinor, { currency });
      return { known, attempt: next(known, kind, amountMinor) };
    }
    case 'refund': {
      const known = await paid(subject, amountMinor * 2n, { currency });
      return { known, attempt: next(known, kind, amountMinor) };
    }
    case 'adjust': {
      const known = await held(subject, amountMinor / 2n - ((amountMinor / 2n) % 100n), { currency });
      return { known, attempt: next(known, kind, amountMinor) };
    }
    default:
      throw new Error(`unhandled kind ${JSON.stringify(kind satisfies never)}`);
  }
}

/** The kinds that the subject's declarations allow. */
export function kindsOf(subject: Subject): FollowUpKind[] {
  const { manualCapture, incrementalAuthorization } = subject.declares;
  return [
    ...(manualCapture ? (['capture', 'void'] as const) : []),
    'refund',
    ...(incrementalAuthorization === 'per_hold' ? (['adjust'] as const) : []),
  ];
}

type ExpectedStanding = Pick<
  PaymentStanding,
  'state' | 'capturedMinor' | 'refundedMinor' | 'capturableMinor'
>;

/** Where a payment stands once exactly this one operation was done to it, or while it was not. */
export function expectedStanding(
  known: Known,
  { kind, money }: FollowUpAttempt,
  isDone: boolean,
): ExpectedStanding {
  const { authorizedMinor } = known.before;
  const untouched: ExpectedStanding =
    kind === 'refund'
      ? { state: 'captured', capturedMinor: authorizedMinor, refundedMinor: 0n, capturableMinor: 0n }
      : { state: 'held', capturedMinor: 0n, refundedMinor: 0n, capturableMinor: authorizedMinor };
  if (!isDone) return untouched;
  switch (kind) {
    case 'capture':
      return { ...untouched, state: 'captured', capturedMinor: money.amountMinor, capturableMinor: 0n };
    case 'void':
      return { ...untouched, state: 'canceled', capturableMinor: 0n };
    case 'refund':
      return { ...untouched, refundedMinor: money.amountMinor };
    case 'adjust':
      return { ...untouched, capturableMinor: money.amountMinor };
    default:
      throw new Error(`unhandled kind ${JSON.stringify(kind satisfies never)}`);
  }
}

/** Asserts that the payment stands as if the operation was done exactly once, or not at all. */
export async function assertEffect(
  subject: Subject,
  known: Known,
  attempt: FollowUpAttempt,
  isDone: boolean,
): Promise<void> {
  const { state, capturedMinor, refundedMinor, capturableMinor } = await standing(subject, known);
  assert.deepEqual(
    { state, capturedMinor, refundedMinor, capturableMinor },
    expectedStanding(known, attempt, isDone),
  );
}

/** One key, one effect, for everything that follows a charge; and each can be found again. */
export function repetitions(subject: Subject): void {
  for (const kind of kindsOf(subject)) {
    test(`${kind}: the same key later gives the same answer and adds no effect`, async () => {
      const { known, attempt } = await prepared(subject, kind, 6_000n);
      const first = await subject.provider().followUp(attempt);
      assert.equal(first.kind, 'succeeded');
      assert.deepEqual(await subject.provider().followUp(attempt), first);
      await assertEffect(subject, known, attempt, true);
    });

    test(`${kind}: the same key eight times at once has one effect`, async () => {
      const { known, attempt } = await prepared(subject, kind, 6_000n);
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, async () => await subject.provider().followUp(attempt)),
      );
      for (const outcome of outcomes)
        assert.ok(['succeeded', 'unknown', 'not_sent'].includes(outcome.kind), inspect(outcome));
      assert.equal((await subject.provider().followUp(attempt)).kind, 'succeeded');
      await assertEffect(subject, known, attempt, true);
    });

    if (subject.declares.lookupByReference) {
      test(`${kind}: a lookup finds what was done`, async () => {
        const { known, attempt } = await prepared(subject, kind, 6_000n);
        const outcome = await subject.provider().followUp(attempt);
        assert.equal(outcome.kind, 'succeeded');
        const found = await waitFor(`the lookup of the ${kind}`, async () => {
          const seen = await subject.provider().lookupFollowUp(attempt);
          return seen.kind === 'succeeded' ? seen : undefined;
        });
        if (kind === 'refund') assert.equal(referenceOf(found), referenceOf(outcome));
        remember(known, attempt);
      });

      test(`${kind}: a lookup of what was never sent finds nothing, and does nothing`, async () => {
        const { known, attempt } = await prepared(subject, kind, 6_000n);
        assert.equal((await subject.provider().lookupFollowUp(attempt)).kind, 'absent');
        await assertEffect(subject, known, attempt, false);
      });
    }

    const { unreachable } = subject;
    if (unreachable)
      test(`${kind}: a provider nobody answers for says that nothing was sent`, async () => {
        const { known, attempt } = await prepared(subject, kind, 6_000n);
        assert.equal((await unreachable().followUp(attempt)).kind, 'not_sent');
        assert.equal(
          await unreachable().standing(known.charge.account, known.reference, known.currency),
          undefined,
        );
        await assertEffect(subject, known, attempt, false);
      });
  }
}
