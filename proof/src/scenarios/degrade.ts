import type { Scenario } from '../scenario.ts';

export const degrade: Scenario = {
  name: 'degrade',
  promise: 'P9: a partial outage stays partial',
  weight: 2,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
