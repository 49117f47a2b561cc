import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALL_EXTRAS } from '../../testing/attempts.ts';
import type { Outcome } from '../provider.ts';
import { assertEffect, kindsOf, prepared } from './repetitions.ts';
import type { FollowUpKind } from './repetitions.ts';
import { referenceOf, resolve } from './subject.ts';
import type { Fault, Subject } from './subject.ts';

// No magic amount of any subject's.
const ORDINARY_AMOUNT = 66_600n;

/**
 * Every operation with every fault: what the adapter says is never wrong, however little it knows, and once the fault is
 * over the truth is found with one effect at most.
 */
export function faults(subject: Subject): void {
  for (const fault of subject.faults)
    describe(`while ${fault.name}`, () => {
      for (const captureMethod of ['automatic', 'manual'] as const)
        test(`${captureMethod === 'manual' ? 'an authorisation' : 'a sale'} is never called what it is not`, async () =>
          await chargeWith(subject, fault, captureMethod));
      for (const kind of kindsOf(subject))
        test(`a ${kind} is never called what it is not`, async () =>
          await followUpWith(subject, fault, kind));
    });
}

async function chargeWith(
  subject: Subject,
  fault: Fault,
  captureMethod: 'automatic' | 'manual',
): Promise<void> {
  const amountMinor = fault.amounts?.charge ?? ORDINARY_AMOUNT;
  const money = { amountMinor, currency: 'EUR' };
  const extras = captureMethod === 'manual' ? { extras: ALL_EXTRAS } : {};
  const attempt = await subject.attempt('approved', { money, captureMethod, ...extras });
  const first = await whileArmed(subject, fault, async () => {
    const outcome = await subject.impatient().charge(attempt);
    const seen = await subject.impatient().lookup(attempt);
    assert.ok(!contradict(outcome, seen), `it said ${outcome.kind}, then ${seen.kind}`);
    return outcome;
  });
  assert.ok(first.kind !== 'declined' || first.beforeCharge === true, 'the bank did not decline it');
  const send = async (): Promise<Outcome> => await subject.provider().charge(attempt);
  const truth = await resolve(
    subject,
    { send, lookup: async () => await subject.provider().lookup(attempt) },
    first,
  );
  if (first.kind === 'succeeded') assert.equal(truth.kind, 'succeeded');
  if (truth.kind !== 'succeeded') {
    if (subject.effects) assert.equal(await subject.effects(attempt), 0);
    return;
  }
  if (subject.effects && captureMethod === 'automatic') assert.equal(await subject.effects(attempt), 1);
  const found = await subject.provider().standing(attempt.account, referenceOf(truth), 'EUR');
  const isHold = captureMethod === 'manual';
  assert.deepEqual(
    [found?.state, found?.capturedMinor, found?.capturableMinor],
    isHold ? ['held', 0n, amountMinor] : ['captured', amountMinor, 0n],
  );
}

async function followUpWith(subject: Subject, fault: Fault, kind: FollowUpKind): Promise<void> {
  const amountMinor = fault.amounts?.followUp ?? ORDINARY_AMOUNT;
  const { known, attempt } = await prepared(subject, kind, amountMinor);
  const first = await whileArmed(subject, fault, async () => {
    const outcome = await subject.impatient().followUp(attempt);
    const seen = await subject.impatient().lookupFollowUp(attempt);
    assert.ok(!contradict(outcome, seen), `it said ${outcome.kind}, then ${seen.kind}`);
    return outcome;
  });
  // Said at once, it must be true at once; later truths are found below.
  if (first.kind === 'succeeded') await assertEffect(subject, known, attempt, true);
  if (first.kind === 'declined' || first.kind === 'not_sent')
    await assertEffect(subject, known, attempt, false);
  const truth = await resolve(
    subject,
    {
      send: async () => await subject.provider().followUp(attempt),
      lookup: async () => await subject.provider().lookupFollowUp(attempt),
    },
    first,
  );
  const isDone = truth.kind === 'succeeded';
  if (first.kind === 'succeeded') assert.ok(isDone);
  await assertEffect(subject, known, attempt, isDone);
  if (!isDone) return;
  // However often it is asked from here on, nothing is added.
  await subject.provider().followUp(attempt);
  await assertEffect(subject, known, attempt, true);
}

async function whileArmed<T>(subject: Subject, fault: Fault, run: () => Promise<T>): Promise<T> {
  await fault.arm();
  try {
    const result = await run();
    if (subject.faultsStruck) assert.ok((await subject.faultsStruck()) > 0, 'the fault never struck');
    return result;
  } finally {
    await subject.clearFaults();
  }
}

/** Whether two words about one operation exclude each other: done, and surely not done. */
function contradict(said: Outcome, seen: { kind: string; beforeCharge?: true }): boolean {
  const isRefusedAtTheDoor = seen.kind === 'declined' && seen.beforeCharge === true;
  return (
    (said.kind === 'succeeded' && seen.kind === 'declined' && !isRefusedAtTheDoor) ||
    (said.kind === 'declined' && seen.kind === 'succeeded')
  );
}
