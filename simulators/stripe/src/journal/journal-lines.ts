import { createReadStream } from 'node:fs';

/** One line of the journal file. `more` is set on every line of one append but its last. */
export type JournalLine = {
  seq: number;
  at: string;
  kind: 'effect' | 'request' | 'state';
  more?: true;
} & Record<string, unknown>;

export type LineInFile = { text: string; startByte: number; endByte: number; ended: boolean };

const NEWLINE = 10;

/** Yields the file's lines from `startByte` up to `endByte` (exclusive); a last line without a newline has `ended: false`. */
export async function* linesInFile(
  path: string,
  startByte: number,
  endByte: number,
): AsyncGenerator<LineInFile> {
  if (endByte <= startByte) return;
  let rest: Buffer = Buffer.alloc(0);
  let at = startByte;
  for await (const chunk of createReadStream(path, { start: startByte, end: endByte - 1 })) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, Buffer.from(chunk)]);
    let from = 0;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, from)) {
      yield {
        text: rest.toString('utf8', from, end),
        startByte: at + from,
        endByte: at + end + 1,
        ended: true,
      };
      from = end + 1;
    }
    at += from;
    rest = rest.subarray(from);
  }
  if (rest.length > 0)
    yield { text: rest.toString('utf8'), startByte: at, endByte: at + rest.length, ended: false };
}

/** Undefined when the text is not a whole journal line. */
export function parseLine(text: string): JournalLine | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return isJournalLine(line) ? line : undefined;
  } catch {
    return undefined;
  }
}

function isJournalLine(value: unknown): value is JournalLine {
  return typeof value === 'object' && value !== null && 'seq' in value && 'at' in value && 'kind' in value;
}
