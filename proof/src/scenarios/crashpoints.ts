import type { Scenario } from '../scenario.ts';

export const crashpoints: Scenario = {
  name: 'crashpoints',
  promise: 'P2: a crash never doubles or loses a charge',
  weight: 3,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
