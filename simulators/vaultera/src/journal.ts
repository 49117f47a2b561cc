import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import { linesOf } from './journal-lines.ts';

export const JOURNAL_KINDS = ['effect', 'request', 'state'] as const;
export type JournalKind = (typeof JOURNAL_KINDS)[number];
export type JournalFields = Record<string, unknown>;

const entrySchema = z.looseObject({ seq: z.number(), at: z.string(), kind: z.enum(JOURNAL_KINDS) });
export type JournalEntry = z.infer<typeof entrySchema>;

type Waiting = { text: string; seq: number; settle: ((error?: Error) => void) | undefined };
type Mark = { seq: number; offset: number };

/** One mark per this many lines: a page is found after skipping at most that many, at 16 bytes of memory a mark. */
const LINES_PER_MARK = 512;
/** A page of the journal, so that a reader cannot make the simulator build an unbounded reply. */
export const PAGE_MAX = 1000;

/**
 * The simulator's ground truth: an append-only JSON-lines file.
 * One `append` is one line, so a crash keeps it whole or not at all; `append` resolves when the line is on disk.
 */
export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #clock: Clock;
  readonly #marks: Mark[];
  #size: number;
  #lastSeq: number;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #broken: Error | undefined;

  private constructor(path: string, file: FileHandle, clock: Clock, read: ReadBack) {
    this.#path = path;
    this.#file = file;
    this.#clock = clock;
    this.#marks = read.marks;
    this.#size = read.size;
    this.#lastSeq = read.lastSeq;
  }

  /**
   * Opens or creates the journal and hands every kept entry to `onEntry`, in order.
   * A torn last line (a crash in the middle of a write, never acknowledged) is cut off; damage before that throws.
   */
  static async open(path: string, clock: Clock, onEntry: (entry: JournalEntry) => void): Promise<Journal> {
    const file = await open(path, 'a', 0o600);
    try {
      const read = await readBack(path, onEntry);
      await file.truncate(read.size);
      await file.sync();
      return new Journal(path, file, clock, read);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Writes a line and resolves once it is fsynced; appends that wait at the same time share one fdatasync. */
  append(kind: JournalKind, fields: JournalFields): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#enqueue(kind, fields, (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  /** Writes a line nobody waits for (a request line): kept over a killed process, not over a power cut. */
  note(kind: JournalKind, fields: JournalFields): void {
    this.#enqueue(kind, fields, undefined);
  }

  /**
   * Entries after a sequence number. `last_seq` is the last one looked at: pass it as `after` to read on.
   */
  async read(after: number, kind: JournalKind | undefined, limit: number): Promise<JournalPage> {
    await this.#flushed();
    const size = this.#size;
    const from = this.#marks.findLast((mark) => mark.seq <= after + 1)?.offset ?? 0;
    const page: JournalPage = { entries: [], last_seq: after, has_more: false };
    for await (const line of linesOf(this.#path, from, size)) {
      const entry = entrySchema.parse(JSON.parse(line.text));
      if (entry.seq <= after) continue;
      if (page.entries.length === limit) return { ...page, has_more: true };
      if (kind === undefined || entry.kind === kind) page.entries.push(entry);
      page.last_seq = entry.seq;
    }
    return page;
  }

  async close(): Promise<void> {
    await this.#flushed();
    await this.#file.datasync();
    await this.#file.close();
  }

  #enqueue(kind: JournalKind, fields: JournalFields, settle: Waiting['settle']): void {
    if (this.#broken) {
      settle?.(this.#broken);
      return;
    }
    this.#lastSeq += 1;
    const text = `${JSON.stringify({ seq: this.#lastSeq, at: this.#clock.iso(), kind, ...fields })}\n`;
    this.#queue.push({ text, seq: this.#lastSeq, settle });
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
  }

  async #drain(): Promise<void> {
    // Let the other requests of this turn of the event loop join the same write.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#write(batch);
        for (const waiting of batch) waiting.settle?.();
      } catch (cause) {
        // After a failed write the tail of the file is unknown: stop acknowledging anything until a restart.
        const error = new Error('the journal cannot be written', { cause });
        this.#broken = error;
        for (const waiting of [...batch, ...this.#queue]) waiting.settle?.(error);
        this.#queue = [];
      }
    }
  }

  async #write(batch: Waiting[]): Promise<void> {
    await this.#file.appendFile(batch.map((waiting) => waiting.text).join(''));
    if (batch.some((waiting) => waiting.settle !== undefined)) await this.#file.datasync();
    for (const { text, seq } of batch) {
      if (seq % LINES_PER_MARK === 1) this.#marks.push({ seq, offset: this.#size });
      this.#size += Buffer.byteLength(text);
    }
  }

  async #flushed(): Promise<void> {
    while (this.#draining) await this.#draining;
    if (this.#broken) throw this.#broken;
  }
}

export type JournalPage = { entries: JournalEntry[]; last_seq: number; has_more: boolean };

type ReadBack = { marks: Mark[]; size: number; lastSeq: number };

async function readBack(path: string, onEntry: (entry: JournalEntry) => void): Promise<ReadBack> {
  const { size } = await stat(path);
  const read: ReadBack = { marks: [], size: 0, lastSeq: 0 };
  let damagedAt: number | undefined;
  for await (const line of linesOf(path, 0, size)) {
    if (damagedAt !== undefined) throw new Error(`${path} is damaged after seq ${damagedAt}`);
    const entry = line.whole ? entryOf(line.text) : undefined;
    if (entry === undefined) {
      damagedAt = read.lastSeq;
      continue;
    }
    // A whole line with the wrong number was never torn: lines are missing or foreign.
    if (entry.seq !== read.lastSeq + 1) throw new Error(`${path} is damaged after seq ${read.lastSeq}`);
    onEntry(entry);
    if (entry.seq % LINES_PER_MARK === 1) read.marks.push({ seq: entry.seq, offset: line.start });
    read.lastSeq = entry.seq;
    read.size = line.end;
  }
  return read;
}

function entryOf(text: string): JournalEntry | undefined {
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
