import type { Scenario } from '../scenario.ts';

export const powercut: Scenario = {
  name: 'powercut',
  promise: 'P8: acknowledged means durable',
  weight: 1.5,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
