import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

const entrySchema = z.looseObject({ seq: z.int(), at: z.string(), kind: z.enum(['effect', 'request']) });
export type JournalEntry = z.infer<typeof entrySchema>;
export type JournalPage = { entries: JournalEntry[]; last_seq: number; has_more: boolean };

/** A page, so that a reader cannot make the simulator build an unbounded reply. */
export const PAGE_MAX = 1_000;

/** What really happened, one JSON object a line; written before the answer goes out, never with a secret. */
export class Journal {
  readonly #path: string;
  readonly #entries: JournalEntry[];

  constructor(path: string) {
    this.#path = path;
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
    this.#entries = lines.filter((line) => line !== '').map((line) => entrySchema.parse(JSON.parse(line)));
  }

  append(kind: JournalEntry['kind'], fields: Record<string, unknown>): void {
    const seq = this.#entries.length + 1;
    const entry = { seq, at: new Date().toISOString(), kind, ...fields };
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    this.#entries.push(entry);
  }

  /** Entries after a sequence number; pass `last_seq` as `after` to read on. */
  read(after: number, kind: JournalEntry['kind'] | undefined, limit: number): JournalPage {
    const rest = this.#entries.slice(after);
    const found = rest.filter((entry) => kind === undefined || entry.kind === kind);
    const entries = found.slice(0, limit);
    const hasMore = found.length > entries.length;
    const last = hasMore ? entries.at(-1) : rest.at(-1);
    return { entries, last_seq: last?.seq ?? after, has_more: hasMore };
  }
}
