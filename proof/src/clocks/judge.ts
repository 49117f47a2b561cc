import { z } from 'zod';
import { withTransactionDatabase } from '../chaos/at-rest.ts';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import type { Stage } from '../stage/stage.ts';
import { readBook } from './kept-holds.ts';
import type { KeptHold } from './kept-holds.ts';
import type { Probed } from './probe.ts';

// A hold's deadline is told in whole seconds by Stripe, and counted from its own clock by the built-in simulator.
const DEADLINE_OFF_MAX_MS = 5_000;
const FIRST = 5;

/**
 * Services prove themselves to each other with tokens of 60 seconds, so a service whose clock is days off is a stranger to the
 * others while that lasts. Expected are 401 `unauthenticated` where gateway and payment-api do not believe each other, and 503
 * where payment-api and transaction do not, or nobody can be asked: each before anything was done, and none about a hold.
 * Whatever else is refused is refused as the contract has it.
 */
export function judgeProbes(probes: ReadonlyMap<string, Probed>): Check[] {
  const all = [...probes.values()];
  const unclean = all.flatMap((probed) => probed.unclean);
  const early = all.flatMap((probed) => probed.early);
  const dead = [...probes].filter(([, { done }]) => done === 0).map(([lie]) => lie);
  const worked = dead.filter((lie) => lie.includes('transaction'));
  const everywhere = [...probes].filter(([lie]) => lie.startsWith('every service'));
  const hindered = everywhere.filter(
    ([, { done, answers }]) => done === 0 || [...answers.keys()].some((told) => /^(0|401|5)/.test(told)),
  );
  return [
    check(
      '18, 52: no hold or payment is said to be over by a clock that lies',
      early.length === 0,
      `${early.length} are: ${early.slice(0, FIRST).join('; ')}`,
    ),
    check(
      'what cannot be done while a clock lies is refused before anything is done: 401 or 503',
      unclean.length === 0,
      `${unclean.length} are not: ${unclean.slice(0, FIRST).join('; ')}`,
    ),
    check(
      '18, 52: with the wrong clock everywhere operations are done as ever',
      everywhere.length > 0 && hindered.length === 0,
      hindered.map(([lie, { answers }]) => `${lie}: ${[...answers.keys()].join(', ')}`).join('; '),
    ),
    check(
      'with the wrong clock at one of two replicas the other one goes on',
      worked.every((lie) => lie.includes(' and ')),
      `nothing was done with ${worked.join('; ')}`,
    ),
  ];
}

export function judgeTruth(truth: Probed): Check {
  const wrong = [...truth.unclean, ...truth.early];
  return check(
    'once every clock is right everything works',
    wrong.length === 0 && truth.done > 0 && [...truth.answers.keys()].every((told) => !told.startsWith('5')),
    [...wrong, ...[...truth.answers].map(([told, times]) => `${told} ×${times}`)].join('; '),
  );
}

/** Holds that were open through every lie. */
export async function judgeKept(stage: Stage, holds: readonly KeptHold[]): Promise<Check[]> {
  const ended: string[] = [];
  const moved: string[] = [];
  const off: string[] = [];
  for (const kept of holds) {
    const book = await readBook(stage, kept);
    const told = book.hold?.expires_at ?? '';
    if (book.hold === null || book.status === 'canceled')
      ended.push(`${kept.id} ${book.status} ${book.cancellation_reason ?? ''}`);
    else if (Math.abs(new Date(told).getTime() - kept.expiresAtMs) > DEADLINE_OFF_MAX_MS)
      moved.push(`${kept.id} ${told}`);
    if (Math.abs(kept.expiresAtMs - kept.deadlineMs) > DEADLINE_OFF_MAX_MS)
      off.push(`${kept.id} is told ${new Date(kept.expiresAtMs).toISOString()}`);
  }
  const steps = await readExpirySteps(stage);
  return [
    check('I26: no hold lapsed, expired or was let go of', ended.length === 0, ended.join('; ')),
    check('I26: nothing was ended, reminded of or moved by a loop', steps.length === 0, steps.join('; ')),
    check('52: a deadline stays what it was', moved.length === 0, moved.join('; ')),
    check("52: a hold's deadline is its provider's", off.length === 0 && holds.length > 0, off.join('; ')),
  ];
}

const stepSchema = z.object({ step: z.string() });

/** Every hold on the stage is younger than an hour, so none of these has happened by any right clock. */
async function readExpirySteps(stage: Stage): Promise<string[]> {
  return await withTransactionDatabase(stage, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(
      `select concat_ws(' ', e.payment_id, e.type, e.actor) as step from payment_events e
        where e.type in ('payment.hold_expiring', 'payment.hold_extended', 'payment.hold_released') and e.actor like 'system:%'
           or e.type = 'payment.canceled' and exists (select 1 from payments p where p.id = e.payment_id
                and p.cancellation_reason in ('expired', 'abandoned'))
        order by e.at limit 10`,
    );
    return z
      .array(stepSchema)
      .parse(rows)
      .map(({ step }) => step);
  });
}
