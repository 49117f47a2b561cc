import type { Dice } from './dice.ts';

/** Everything that may go wrong at a step, beside its instance dying. */
export const FAULTS = [
  // The database: a connection that cannot be had, a statement that never arrives, one that is executed unheard.
  'connection_refused',
  'statement_lost',
  'statement_answer_lost',
  // The merchant service, which opens accounts.
  'merchant_away',
  // A call to a provider: surely not sent, lost on its way, arriving after we gave up, executed unheard.
  'call_not_sent',
  'call_lost',
  'call_late',
  'call_answer_lost',
  /** A 5xx, before or after the effect, that the provider keeps under our key. */
  'call_error_kept',
  'credentials_revoked',
  'adapter_throws',
  'lookup_failed',
  /** "Not found", soon after it was made. */
  'lookup_stale',
  /** A webhook comes again although we said yes. */
  'webhook_repeated',
] as const;
export type Fault = (typeof FAULTS)[number];

export type Faults = {
  /** Whether this fault happens now. */
  strikes(fault: Fault): boolean;
  /** From here on nothing fails any more. */
  heal(): void;
};

// Some runs see a fault at every other step and some never: what a run is spared lets another fault come to light.
const RATES = [0, 0, 0.02, 0.08, 0.3];

export function drawFaults(dice: Dice): Faults {
  const rates = new Map<Fault, number>(FAULTS.map((fault) => [fault, dice.oneOf(RATES)]));
  let isHealed = false;
  return {
    strikes(fault) {
      const rate = rates.get(fault) ?? 0;
      return !isHealed && rate > 0 && dice.chance(rate);
    },
    heal: () => void (isHealed = true),
  };
}
