import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUN_FILES } from '../run-folder.ts';
import type { NemesisLine } from '../run-folder.ts';

/** What was done to the platform, as `nemesis.jsonl` has it. */
export type NemesisJournal = {
  /** The fault's number. */
  begin(fault: string, target: string, details: NemesisLine['details']): number;
  end(id: number): void;
};

/** Writes each line at once: deaths are few. */
export function createNemesisJournal(folder: string): NemesisJournal {
  const begun: Omit<NemesisLine, 'at' | 'type'>[] = [];
  const write = (type: NemesisLine['type'], fault: Omit<NemesisLine, 'at' | 'type'>): void =>
    appendFileSync(
      join(folder, RUN_FILES.nemesis),
      `${JSON.stringify({ at: new Date().toISOString(), type, ...fault })}\n`,
    );
  return {
    begin(fault, target, details) {
      const line = { id: begun.length + 1, fault, target, details };
      begun.push(line);
      write('begin', line);
      return line.id;
    },
    end(id) {
      const line = begun[id - 1];
      if (line !== undefined) write('end', line);
    },
  };
}
