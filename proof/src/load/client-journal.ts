import { open } from 'node:fs/promises';
import type { ClientLine } from '../run-folder.ts';

type LineOf<Type extends ClientLine['type']> = Extract<ClientLine, { type: Type }>;
/** What a line says, without what the journal adds: its place, its time and the request's number. */
type Said<Line> = Line extends ClientLine
  ? Omit<Line, 'seq' | 'at' | 'id' | 'type'> & Pick<Line, 'type'>
  : never;
export type Invoke = Said<LineOf<'invoke'>>;
export type End = Said<LineOf<'ok' | 'fail' | 'info'>>;

export type ClientJournal = {
  /** The request's number, once the line is on disk; only then may the request leave. */
  invoke(said: Invoke): Promise<number>;
  /** Goes with the next write, which does not wait for the disk by itself. */
  end(id: number, said: End): void;
  /** Everything written and the file closed. Rejects when some line could not be written. */
  close(): Promise<void>;
};

type Waiting = { text: string; isInvoke: boolean; resolve(): void; reject(error: unknown): void };

/** Starts `client.jsonl`. Requests that are invoked while the disk is busy share the next fdatasync. */
export async function openClientJournal(path: string): Promise<ClientJournal> {
  const file = await open(path, 'wx');
  let seq = 0;
  let ids = 0;
  let waiting: Waiting[] = [];
  let failure: unknown;
  // Ends with the last write so far. Whoever comes while one is under way goes with the next, together.
  let written = Promise.resolve();

  const write = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    try {
      await file.appendFile(batch.map(({ text }) => text).join(''));
      if (batch.some(({ isInvoke }) => isInvoke)) await file.datasync();
      for (const { resolve } of batch) resolve();
    } catch (error) {
      failure ??= error;
      for (const { reject } of batch) reject(error);
    }
  };
  const append = async (id: number, said: Invoke | End): Promise<void> => {
    seq += 1;
    const text = `${JSON.stringify({ seq, at: new Date().toISOString(), id, ...said })}\n`;
    await new Promise<void>((resolve, reject) => {
      waiting.push({ text, isInvoke: said.type === 'invoke', resolve, reject });
      written = written.then(write);
    });
  };

  return {
    async invoke(said) {
      ids += 1;
      const id = ids;
      await append(id, said);
      return id;
    },
    end(id, said) {
      // A failed write fails `close` and every later invoke.
      append(id, said).catch(() => undefined);
    },
    async close() {
      await written;
      await file.close();
      if (failure !== undefined) throw failure;
    },
  };
}
