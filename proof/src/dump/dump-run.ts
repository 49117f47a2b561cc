import type { RunFacts } from '../run-folder.ts';
import type { Stage } from '../stage/stage.ts';

/** Writes what `verify` reads of a stage at rest: every row of every table, the simulators' journals, run.json, the keyring. */
export async function dumpRun(stage: Stage, facts: RunFacts, folder: string): Promise<void> {
  throw new Error(`not built yet: ${stage.folder} ${facts.seed} ${folder}`);
}
