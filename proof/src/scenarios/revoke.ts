import type { Scenario } from '../scenario.ts';

export const revoke: Scenario = {
  name: 'revoke',
  promise: 'P15: revocation bites',
  weight: 1,
  async run(options) {
    throw new Error(`not built yet: ${options.seed}`);
  },
};
