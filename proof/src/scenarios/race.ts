import type { Scenario } from '../scenario.ts';

export const race: Scenario = {
  name: 'race',
  promise: 'P4: captured never above authorised, refunded never above captured',
  weight: 1.5,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
