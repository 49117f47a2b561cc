// The ground truth: an append-only file of JSON lines. What one request did is one append, and an append
// is all or nothing: a torn one is cut off at the next start, as if the request had never arrived.
import { open, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { linesInFile, parseLine, type JournalLine } from './journal-lines.ts';

export type JournalKind = JournalLine['kind'];

/** A line before it has its number and time. */
export type JournalDraft = { kind: JournalKind } & Record<string, unknown>;

export type JournalPage = { entries: JournalLine[]; last_seq: number };

/** One page is read into memory whole. */
export const JOURNAL_PAGE_MAX = 1_000;

/** A mark every so many lines keeps paging from reading the file from its start. */
const MARK_EVERY_LINES = 1_000;

type Waiting = { text: string; resolve: () => void; reject: (error: Error) => void };

export class Journal {
  readonly path: string;
  #file: FileHandle;
  #seq = 0;
  #durableSeq = 0;
  #bytes = 0;
  #durableBytes = 0;
  #marks: { seq: number; startByte: number }[] = [];
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | null = null;
  #broken: Error | null = null;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Opens or creates DATA_DIR/journal.jsonl and hands every complete append to `replay`, oldest first.
   * Throws when a line in the middle cannot be read: that is damage, not a crash.
   */
  static async open(dataDir: string, replay: (lines: JournalLine[]) => void): Promise<Journal> {
    const path = join(dataDir, 'journal.jsonl');
    const journal = new Journal(path, await open(path, 'a'));
    try {
      await journal.#load(replay);
    } catch (error) {
      await journal.#file.close();
      throw error;
    }
    return journal;
  }

  /** Number of the last line that is safely on disk. */
  get lastSeq(): number {
    return this.#durableSeq;
  }

  /** Resolves once all drafts are on disk, together; appends that wait share one fdatasync. */
  append(drafts: JournalDraft[], atMs: number): Promise<void> {
    if (this.#broken) return Promise.reject(this.#broken);
    if (drafts.length === 0) return Promise.resolve();
    const at = new Date(atMs).toISOString();
    let text = '';
    drafts.forEach((draft, index) => {
      this.#seq += 1;
      if (this.#seq % MARK_EVERY_LINES === 1)
        this.#marks.push({ seq: this.#seq, startByte: this.#bytes + Buffer.byteLength(text) });
      const more = index < drafts.length - 1 ? { more: true } : {};
      text += `${JSON.stringify({ seq: this.#seq, at, ...draft, ...more })}\n`;
    });
    this.#bytes += Buffer.byteLength(text);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Durable lines after `after`, at most `limit`; ask again with `last_seq` until a page comes back empty. */
  async page(after: number, kind: JournalKind | undefined, limit: number): Promise<JournalPage> {
    const lastSeq = this.#durableSeq;
    const mark = this.#marks.findLast(({ seq }) => seq <= after + 1);
    const entries: JournalLine[] = [];
    for await (const { text } of linesInFile(this.path, mark?.startByte ?? 0, this.#durableBytes)) {
      const line = parseLine(text);
      if (!line || line.seq <= after || (kind && line.kind !== kind)) continue;
      entries.push(line);
      if (entries.length === limit) return { entries, last_seq: line.seq };
    }
    return { entries, last_seq: lastSeq };
  }

  async close(): Promise<void> {
    await this.#flushing;
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    // A turn of the event loop lets requests that arrived together share this fdatasync.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const seq = this.#seq;
      const bytes = this.#bytes;
      try {
        await this.#file.appendFile(batch.map(({ text }) => text).join(''));
        await this.#file.datasync();
      } catch (error) {
        this.#fail(error, batch);
        break;
      }
      this.#durableSeq = seq;
      this.#durableBytes = bytes;
      for (const { resolve } of batch) resolve();
    }
    this.#flushing = null;
  }

  /** What is in memory is now ahead of the disk, so nothing may be promised any more until a restart. */
  #fail(error: unknown, batch: Waiting[]): void {
    this.#broken = new Error('the journal cannot be written', { cause: error });
    for (const { reject } of [...batch, ...this.#waiting]) reject(this.#broken);
    this.#waiting = [];
  }

  async #load(replay: (lines: JournalLine[]) => void): Promise<void> {
    const { size } = await stat(this.path);
    let group: JournalLine[] = [];
    let torn: { seq: number } | null = null;
    let goodBytes = 0;
    let goodSeq = 0;
    for await (const { text, startByte, endByte, ended } of linesInFile(this.path, 0, size)) {
      if (torn) throw new Error(`journal line ${torn.seq} cannot be read, and lines follow it`);
      const line = ended ? parseLine(text) : undefined;
      if (!line || line.seq !== this.#seq + 1) {
        torn = { seq: this.#seq + 1 };
        continue;
      }
      this.#seq = line.seq;
      if (this.#seq % MARK_EVERY_LINES === 1) this.#marks.push({ seq: this.#seq, startByte });
      group.push(line);
      if (line.more) continue;
      replay(group);
      group = [];
      goodBytes = endByte;
      goodSeq = line.seq;
    }
    await this.#cutTo(goodSeq, goodBytes, size);
  }

  async #cutTo(seq: number, bytes: number, size: number): Promise<void> {
    if (bytes < size) {
      await this.#file.truncate(bytes);
      await this.#file.datasync();
    }
    this.#seq = this.#durableSeq = seq;
    this.#bytes = this.#durableBytes = bytes;
    this.#marks = this.#marks.filter((mark) => mark.seq <= seq);
  }
}
