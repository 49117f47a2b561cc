import type { Scenario } from '../scenario.ts';

export const overload: Scenario = {
  name: 'overload',
  promise: 'P9: overload is shed before work',
  weight: 1,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
