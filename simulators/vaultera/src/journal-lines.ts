import { createReadStream } from 'node:fs';

export type Line = {
  text: string;
  /** Byte offsets in the file; `end` is the byte after the newline. */
  start: number;
  end: number;
  /** False for a last line that was cut before its newline. */
  whole: boolean;
};

const NEWLINE = 0x0a;

/** Reads a file line by line between two byte offsets without holding more than one line and one chunk. */
export async function* linesOf(path: string, from: number, to: number): AsyncGenerator<Line> {
  if (to <= from) return;
  let rest: Buffer = Buffer.alloc(0);
  let start = from;
  const stream = createReadStream(path, { start: from, end: to - 1 });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let begin = 0;
    for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE, begin)) {
      const end = start + (at + 1 - begin);
      yield { text: rest.toString('utf8', begin, at), start, end, whole: true };
      begin = at + 1;
      start = end;
    }
    rest = rest.subarray(begin);
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), start, end: start + rest.length, whole: false };
}
