import { request } from 'undici';
import { z } from 'zod';
import type { World } from './world.ts';

/** How many things really happened at the providers: on the owner's accounts, and on all. */
export type Effects = { owner: number; all: number };

const entrySchema = z.looseObject({ seq: z.int(), kind: z.string(), account: z.string().optional() });
const pageSchema = z.object({ entries: z.array(entrySchema) });

/** Counts the effects in both simulators' journals. */
export async function effectsAt({ platform, owner }: World): Promise<Effects> {
  const stripe = await journal(platform.stripeUrl);
  const vaultera = await journal(platform.vaulteraUrl);
  const effects = stripe.filter(({ kind }) => kind === 'effect');
  return {
    owner: effects.filter(({ account }) => account === owner.stripeAccount).length,
    all: effects.length + vaultera.filter(({ kind }) => kind === 'effect').length,
  };
}

async function journal(simulatorUrl: string): Promise<z.infer<typeof entrySchema>[]> {
  const all: z.infer<typeof entrySchema>[] = [];
  for (;;) {
    const after = all.at(-1)?.seq ?? 0;
    const answer = await request(`${simulatorUrl}/_control/journal?after=${after}`);
    const { entries } = pageSchema.parse(await answer.body.json());
    if (entries.length === 0) return all;
    all.push(...entries);
  }
}
