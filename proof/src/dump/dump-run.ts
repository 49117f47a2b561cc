import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUN_FILES } from '../run-folder.ts';
import type { RunFacts } from '../run-folder.ts';
import type { Stage } from '../stage/stage.ts';
import { dumpDatabase } from './dump-database.ts';

/** What a dump needs of a stage: a platform of another kind can be dumped too. */
export type Dumpable = Pick<Stage, 'journals' | 'keyringFile'> & {
  postgres: Pick<Stage['postgres'], 'url' | 'databases'>;
};

/** Writes what `verify` reads of a stage at rest: every row of every table, the simulators' journals, run.json, the keyring. */
export async function dumpRun(stage: Dumpable, facts: RunFacts, folder: string): Promise<void> {
  mkdirSync(join(folder, RUN_FILES.dump), { recursive: true });
  // Databases before journals: an effect that still comes in between is then found without its operation, not overlooked.
  for (const database of Object.values(stage.postgres.databases)) {
    const url = new URL(stage.postgres.url);
    url.pathname = `/${database}`;
    await dumpDatabase(url.toString(), join(folder, RUN_FILES.dump, database));
  }
  copyFileSync(stage.journals.stripe, join(folder, RUN_FILES.stripe));
  copyFileSync(stage.journals.vaultera, join(folder, RUN_FILES.vaultera));
  copyFileSync(stage.keyringFile, join(folder, RUN_FILES.keyring));
  // Copied with the mode of the original, which only its owner may read; kept so wherever it came from.
  chmodSync(join(folder, RUN_FILES.keyring), 0o600);
  writeFileSync(join(folder, RUN_FILES.run), `${JSON.stringify(facts, null, 2)}\n`);
}
