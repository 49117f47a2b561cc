import type { Scenario } from '../scenario.ts';
import { runPlanted } from './run-planted.ts';

/** Not a part of `all`: it judges the tests, not the platform, and needs neither seed nor minutes. */
export const planted: Scenario = {
  name: 'planted',
  promise: 'P22: the tests can fail',
  weight: 1,
  run: async ({ say }) => await runPlanted({ say }),
};
