import type { Scenario } from '../scenario.ts';

export const leak: Scenario = {
  name: 'leak',
  promise: 'P13: no card data or secret at rest or in logs',
  weight: 1,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
