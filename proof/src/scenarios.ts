import type { Scenario } from './scenario.ts';
import { clock } from './scenarios/clock.ts';
import { crashpoints } from './scenarios/crashpoints.ts';
import { degrade } from './scenarios/degrade.ts';
import { idem } from './scenarios/idem.ts';
import { leak } from './scenarios/leak.ts';
import { overload } from './scenarios/overload.ts';
import { permutations } from './scenarios/permutations.ts';
import { powercut } from './scenarios/powercut.ts';
import { race } from './scenarios/race.ts';
import { revoke } from './scenarios/revoke.ts';
import { unknown } from './scenarios/unknown.ts';

/** Every command, in the order in which `all` runs them. */
export const SCENARIOS: readonly Scenario[] = [
  idem,
  unknown,
  crashpoints,
  race,
  permutations,
  degrade,
  overload,
  clock,
  powercut,
  leak,
  revoke,
];
