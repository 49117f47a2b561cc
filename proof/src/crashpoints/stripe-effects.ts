import { open } from 'node:fs/promises';
import { z } from 'zod';
import { KINDS } from '../verify/effects.ts';

const effectSchema = z.object({
  effect: z.string(),
  payment_intent: z.string().nullish(),
  amount: z.int().optional(),
  amount_new_total: z.int().optional(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
type Effect = z.infer<typeof effectSchema>;
const kindSchema = z.object({ kind: z.string(), type: z.string().optional() }).loose();
const eventSchema = z.object({ value: z.object({ id: z.string() }) });
const doneSchema = z.object({ event: z.string() });

export type StripeBook = {
  /** All that moved for that payment, as `kind amount`, in order; it knows it by its own reference or by ours. */
  effectsOn(payment: { id: string; reference: string | null }): string[];
  /** Events that nobody of ours has acknowledged yet. */
  undelivered(): number;
};

/** Reads Stripe's journal as it grows. */
export function createStripeReader(file: string): () => Promise<StripeBook> {
  let offset = 0;
  const effects: Effect[] = [];
  const waiting = new Set<string>();
  const take = (text: string): void => {
    const line = kindSchema.parse(JSON.parse(text));
    if (line.kind === 'effect') effects.push(effectSchema.parse(line));
    if (line.kind === 'state' && line.type === 'event') waiting.add(eventSchema.parse(line).value.id);
    if (line.kind === 'state' && line.type === 'webhook_done') waiting.delete(doneSchema.parse(line).event);
  };
  const readOn = async (): Promise<void> => {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const { buffer } = await handle.read(Buffer.alloc(size - offset), 0, size - offset, offset);
      // The last line may be half written; it is read next time.
      const end = buffer.lastIndexOf('\n') + 1;
      offset += end;
      for (const text of buffer.toString('utf8', 0, end).split('\n')) if (text !== '') take(text);
    } finally {
      await handle.close();
    }
  };
  let reading: Promise<void> = Promise.resolve();
  return async () => {
    // One after the other: the offset is shared.
    reading = reading.then(readOn);
    await reading;
    return { effectsOn: (payment) => effectsOn(effects, payment), undelivered: () => waiting.size };
  };
}

function effectsOn(
  lines: readonly Effect[],
  { id, reference }: { id: string; reference: string | null },
): string[] {
  const intents = new Set(
    lines.flatMap(({ metadata, payment_intent: intent }) =>
      metadata?.['centra_payment'] === id && typeof intent === 'string' ? [intent] : [],
    ),
  );
  if (reference !== null) intents.add(reference);
  return lines.flatMap(({ effect, payment_intent: intent, amount, amount_new_total: total }) => {
    const kind = KINDS[effect];
    return kind === undefined || !intents.has(intent ?? '') ? [] : [`${kind} ${total ?? amount}`];
  });
}
