import type { Scenario } from '../scenario.ts';

export const idem: Scenario = {
  name: 'idem',
  promise: 'P1: same key, one effect',
  weight: 2,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
