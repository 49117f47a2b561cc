import type { QueryConfig } from 'pg';
import type { Context } from '../context.ts';
import { failureOf } from '../providers/failure.ts';
import type { Outcome, Provider } from '../providers/provider.ts';

/** Breaks an instance's context on purpose, to see that the simulation notices. */
export type Plant = (context: Context) => Context;

/** Mistakes that this service was built to be free of; each has a name so that a thread can be told of it. */
export const PLANTS = {
  none: (context) => context,
  /** A holder that slept past its lease still writes (reliability row 13). */
  'no-fence': (context) => {
    const query = context.pool.query.bind(context.pool);
    // Of the two statements that a fence guards here, the one that stores outcomes.
    const unfenced = async (config: QueryConfig) =>
      await query(
        config.name === 'write-transitions'
          ? { ...config, name: 'write-unfenced', text: config.text.replace('and o.attempt = i.attempt', '') }
          : config,
      );
    Object.assign(context.pool, { query: unfenced });
    return context;
  },
  /** No answer is taken for a no (reliability rule 3). */
  'unknown-is-no': (context) => ({
    ...context,
    providers: {
      ...context.providers,
      choose: (name) => withoutDoubt(context.providers.choose(name)),
    },
  }),
} as const satisfies Record<string, Plant>;
export type PlantName = keyof typeof PLANTS;

function withoutDoubt(provider: Provider): Provider {
  return {
    ...provider,
    charge: async (attempt) => decided(await provider.charge(attempt)),
    followUp: async (attempt) => decided(await provider.followUp(attempt)),
  };
}

function decided(outcome: Outcome): Outcome {
  return outcome.kind === 'unknown' ? { kind: 'declined', failure: failureOf('processing_error') } : outcome;
}
