import type { Scenario } from '../scenario.ts';

export const permutations: Scenario = {
  name: 'permutations',
  promise: 'P10: inbound webhooks in any order, any number',
  weight: 1,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
