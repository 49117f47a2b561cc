import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nemesisLineSchema, RUN_FILES } from '../run-folder.ts';
import { detailsOf, targetsOf } from './planned-fault.ts';
import type { PlannedFault } from './planned-fault.ts';

/** What was done to the platform, as `nemesis.jsonl` has it. */
export type NemesisJournal = {
  /** Answers the fault's number. */
  begin(planned: PlannedFault): number;
  end(id: number): void;
};

/** Written at once: faults are few, and the last one may be what a run ended with. */
export function createNemesisJournal(folder: string): NemesisJournal {
  const file = join(folder, RUN_FILES.nemesis);
  const begun: PlannedFault[] = [];
  const write = (type: 'begin' | 'end', id: number, planned: PlannedFault): void => {
    const target = targetsOf(planned).join(', ');
    const told = { id, type, fault: planned.name, target, details: detailsOf(planned) };
    const line = nemesisLineSchema.parse({ at: new Date().toISOString(), ...told });
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  };
  // There even when nothing breaks.
  writeFileSync(file, '', { flag: 'a' });
  return {
    begin(planned) {
      const id = begun.push(planned);
      write('begin', id, planned);
      return id;
    },
    end(id) {
      const planned = begun[id - 1];
      if (planned === undefined) throw new Error(`fault ${id} has not begun`);
      write('end', id, planned);
    },
  };
}
