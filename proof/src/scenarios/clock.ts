import type { Scenario } from '../scenario.ts';

export const clock: Scenario = {
  name: 'clock',
  promise: 'P17: clocks may lie',
  weight: 1,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
