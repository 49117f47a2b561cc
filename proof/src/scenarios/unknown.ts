import type { Scenario } from '../scenario.ts';

export const unknown: Scenario = {
  name: 'unknown',
  promise: 'P3: an unknown outcome is resolved, never guessed',
  weight: 2,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
