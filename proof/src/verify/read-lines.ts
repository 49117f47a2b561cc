import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { z } from 'zod';

// Journals of an hour are larger than the longest text that Node can hold, so files are read in parts.
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * The lines of a file, oldest first; none when there is no file. A last line that was never ended is left out: its writer
 * was killed while it wrote, and whatever it was about to say had not happened yet.
 */
export function* readLines(file: string): Generator<string> {
  if (!existsSync(file)) return;
  const handle = openSync(file, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = '';
    for (;;) {
      const length = readSync(handle, chunk);
      if (length === 0) return;
      const lines = (rest + decoder.write(chunk.subarray(0, length))).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    closeSync(handle);
  }
}

/** Every line of a file as `schema` has it. Throws with file and line number when one is something else. */
export function readAll<T extends z.ZodType>(file: string, schema: T): z.infer<T>[] {
  const all: z.infer<T>[] = [];
  for (const line of readLines(file)) {
    const parsed = schema.safeParse(parseExactly(line));
    if (!parsed.success) throw new Error(`${file}, line ${all.length + 1}: ${parsed.error.message}`);
    all.push(parsed.data);
  }
  return all;
}

/**
 * JSON without the loss of a digit: whole numbers become bigint, whatever their size (`JSON.parse` alone rounds beyond 2^53).
 * `numberOf` makes something else of a number's text.
 */
export function parseExactly(text: string, numberOf: (source: string) => unknown = exactNumber): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? numberOf(context?.source ?? String(value)) : value,
  );
}

function exactNumber(source: string): bigint | number {
  return /^-?\d+$/.test(source) ? BigInt(source) : Number(source);
}
