import { randomUUID } from 'node:crypto';
import { waitFor } from '@centra/testkit/pause.ts';
import { request } from 'undici';
import { ask } from '../load/ask.ts';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import type { Stage } from '../stage/stage.ts';
import { holdAtStripe, readBook } from './kept-holds.ts';

const DAYS = 8;
const DAY_MS = 86_400_000;
// Stripe sends its first webhook at once and the next one some seconds later.
const NOTICED_WITHIN_MS = 30_000;

/**
 * The provider's own deadline passes while every clock of ours still shows last week: the hold is noticed as lapsed, and cannot
 * be captured any more. Moves Stripe's clock, so nothing that needs today may come after it.
 */
export async function expireAtStripe(stage: Stage): Promise<Check> {
  const name = `52: a hold that lapsed is noticed though all our clocks are ${DAYS} days behind its provider's`;
  const hotel = stage.hotels.find(({ provider }) => provider === 'stripe');
  const [door = ''] = stage.doors;
  if (hotel === undefined) return check(name, false, 'no hotel on Stripe');
  const kept = await holdAtStripe(stage, hotel);
  await advanceStripe(stage, DAYS * DAY_MS);
  let seen = await readBook(stage, kept);
  const isNoticed = async (): Promise<true | undefined> => {
    seen = await readBook(stage, kept);
    return seen.status === 'canceled' ? true : undefined;
  };
  // What it is instead is told below.
  await waitFor('the lapsed hold to be noticed', isNoticed, NOTICED_WITHIN_MS).catch(() => {});
  const capture = await ask(door, hotel, { action: 'capture', paymentId: kept.id, key: randomUUID() });
  return check(
    name,
    seen.status === 'canceled' && seen.cancellation_reason === 'expired' && capture.status === 409,
    `${kept.id} is ${seen.status} ${seen.cancellation_reason ?? ''}; its capture was answered with ${capture.status}`,
  );
}

async function advanceStripe(stage: Stage, ms: number): Promise<void> {
  const { statusCode, body } = await request(`${stage.stripeUrl}/_control/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ advance_ms: ms }),
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`Stripe's clock was not moved: ${statusCode} ${text}`);
}
