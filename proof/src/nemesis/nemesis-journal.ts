import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nemesisLineSchema, RUN_FILES } from '../run-folder.ts';
import type { NemesisLine } from '../run-folder.ts';

/** Notes every fault in `nemesis.jsonl`, with its begin and its end. */
export type NemesisJournal = {
  /** Answers the fault's number. */
  begin(fault: string, target: string, details: NemesisLine['details']): number;
  end(id: number): void;
};

/** Written at once: faults are few, and the last one may be what a run ended with. */
export function createNemesisJournal(folder: string): NemesisJournal {
  const file = join(folder, RUN_FILES.nemesis);
  const begun: Pick<NemesisLine, 'id' | 'fault' | 'target' | 'details'>[] = [];
  const write = (type: NemesisLine['type'], told: (typeof begun)[number]): void => {
    const line = nemesisLineSchema.parse({ at: new Date().toISOString(), type, ...told });
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  };
  // There even when nothing breaks.
  writeFileSync(file, '', { flag: 'a' });
  return {
    begin(fault, target, details) {
      const told = { id: begun.length + 1, fault, target, details };
      begun.push(told);
      write('begin', told);
      return told.id;
    },
    end(id) {
      const told = begun[id - 1];
      if (told === undefined) throw new Error(`fault ${id} has not begun`);
      write('end', told);
    },
  };
}
