import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { CAPTURED, chargeAtStripe, HELD, readBook, REFUNDED } from './life.ts';
import type { Life } from './life.ts';
import { stepsOf, storedEvents } from './stored.ts';

const GIVEN_BACK = REFUNDED.reduce((sum, amount) => sum + amount, 0);

/** How a life ended: what is wrong with it, and its end in words that two lives can share. */
export type End = { wrong: string[]; end: string };

/** Holds a payment against what was asked for, what Stripe has on record, its own history, and the events told of it. */
export async function judgeLife(stage: Stage, hotel: StageHotel, life: Life): Promise<End> {
  const { paymentId, isDisputed } = life;
  const [one, two, charge, steps, events] = await Promise.all([
    readBook(stage, hotel, paymentId, 0),
    readBook(stage, hotel, paymentId, 1),
    chargeAtStripe(stage, hotel, life),
    stepsOf(stage, paymentId),
    storedEvents(stage),
  ]);
  const end = [
    one.status,
    one.amount_authorized,
    one.amount_captured,
    one.amount_refunded,
    one.amount_authorize_pending + one.amount_capture_pending + one.amount_refund_pending,
    one.disputed ? 'disputed' : 'not disputed',
  ].join(' ');
  const wanted = [
    'partially_refunded',
    HELD,
    CAPTURED,
    GIVEN_BACK,
    0,
    isDisputed ? 'disputed' : 'not disputed',
  ].join(' ');
  const theirs = [charge.amount_captured, charge.amount_refunded, charge.disputed].join(' ');
  const ours = [one.amount_captured, one.amount_refunded, one.disputed].join(' ');
  const uuid = fromPublicId('pay', paymentId);
  const pending = events.filter(({ payment_id: id, state }) => id === uuid && state === 'received');
  const wrong = [
    ...(end === wanted ? [] : [`ended as ${end} instead of ${wanted}`]),
    ...(JSON.stringify(one) === JSON.stringify(two) ? [] : ['the two doors tell different things']),
    ...(ours === theirs ? [] : [`we have ${ours}, Stripe ${theirs}`]),
    ...steps.flatMap(({ version, told }, index) => [
      ...(version === index + 1 ? [] : [`version ${version} is step ${index + 1}`]),
      ...(told === 1 ? [] : [`step ${version} is told ${told} times`]),
    ]),
    ...(pending.length === 0 ? [] : [`${pending.length} events are not looked at`]),
  ];
  return {
    wrong: wrong.map((words) => `${paymentId}: ${words}`),
    end: `${end}; ${steps.map(({ type }) => type).join(', ')}`,
  };
}
