import type { RunFacts } from '../run-folder.ts';
import type { Stage } from '../stage/stage.ts';

/** What run.json says of a run on that stage, which is quiet from now on. */
export function factsOf(
  { hotels }: Pick<Stage, 'hotels'>,
  run: { scenario: string; seed: number; startedAt: Date; quietAt: Date },
): RunFacts {
  return {
    scenario: run.scenario,
    seed: run.seed,
    startedAt: run.startedAt.toISOString(),
    quietAt: run.quietAt.toISOString(),
    hotels: hotels.map(({ merchantId, name, provider, stripeAccount }) => ({
      merchantId,
      name,
      provider,
      stripeAccount,
    })),
  };
}
