import { readFileSync } from 'node:fs';
import { z } from 'zod';

// Money that is taken at once, and money that is held: a payment of ours has one of them, once.
const FIRST_EFFECTS = new Set(['charge.succeeded', 'authorization.succeeded']);

const lineSchema = z.object({
  kind: z.string(),
  effect: z.string().optional(),
  metadata: z.record(z.string(), z.string()).nullish(),
});

export type StripeEffects = { payments: number; twice: string[] };

/** What Stripe's own journal says of our payments: how many took or held money there, and which more than once. */
export function stripeEffectsOf(journal: string): StripeEffects {
  const counts = new Map<string, number>();
  for (const text of journal.split('\n')) {
    if (text === '') continue;
    const { kind, effect = '', metadata } = lineSchema.parse(JSON.parse(text));
    const payment = metadata?.['centra_payment'];
    if (kind !== 'effect' || !FIRST_EFFECTS.has(effect) || payment === undefined) continue;
    counts.set(payment, (counts.get(payment) ?? 0) + 1);
  }
  return { payments: counts.size, twice: [...counts].flatMap(([id, count]) => (count > 1 ? [id] : [])) };
}

export function readStripeEffects(journalFile: string): StripeEffects {
  return stripeEffectsOf(readFileSync(journalFile, 'utf8'));
}
