import { closeSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Something that must be nowhere. */
export type Canary = {
  /** What it is, for people; never the thing itself. */
  name: string;
  /** `card`: digits, which people also write in groups. `text`: context that only means something as it stands. */
  kind: 'card' | 'secret' | 'text';
  value: string | Buffer;
};

export type Spelling = { name: string; bytes: Buffer };
/** Where something was found, never what. */
export type Hit = { canary: string; spelling: string; file: string; offset: number };

/** Every way in which a value may be written down (I24): as it is, grouped, base64, hex, URL-encoded, UTF-16. */
export function spellingsOf({ kind, value }: Canary): Spelling[] {
  const bytes = Buffer.from(value);
  const plain: Spelling[] = [{ name: 'plain', bytes }];
  if (typeof value === 'string') {
    plain.push({ name: 'UTF-16LE', bytes: Buffer.from(value, 'utf16le') });
    plain.push({ name: 'UTF-16BE', bytes: Buffer.from(value, 'utf16le').swap16() });
  }
  if (kind === 'text') return plain;
  const hex = bytes.toString('hex');
  const percent = hex.replaceAll(/../g, '%$&');
  const texts: [string, string][] = [
    ...(kind === 'card' ? groupsOf(bytes.toString()) : []),
    ...[0, 1, 2].flatMap((offset) => base64At(bytes, offset)),
    ['hex', hex],
    ['hex, upper case', hex.toUpperCase()],
    ['URL-encoded', percent],
    ['URL-encoded, upper case', percent.toUpperCase()],
    ...(typeof value === 'string'
      ? [['URL-encoded where needed', encodeURIComponent(value)] as [string, string]]
      : []),
  ];
  const known = new Set(plain.map((spelling) => spelling.bytes.toString('latin1')));
  return [
    ...plain,
    ...texts.flatMap(([name, text]) => {
      if (known.has(text)) return [];
      known.add(text);
      return [{ name, bytes: Buffer.from(text) }];
    }),
  ];
}

/** As cards are embossed: fours, and 4-6-5 on a card of 15 digits. */
function groupsOf(digits: string): [string, string][] {
  const fours = digits.match(/\d{1,4}/g) ?? [];
  const embossed = digits.length === 15 ? [[digits.slice(0, 4), digits.slice(4, 10), digits.slice(10)]] : [];
  return [fours, ...embossed].flatMap((groups): [string, string][] => {
    const name = groups.map(({ length }) => length).join('-');
    return [
      [`spaced ${name}`, groups.join(' ')],
      [`dashed ${name}`, groups.join('-')],
    ];
  });
}

/** What is always there of its base64 when it begins `offset` bytes into a group of three, whatever stands beside it. */
function base64At(bytes: Buffer, offset: number): [string, string][] {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + bytes.length) * 8) / 6);
  const text = encoded.slice(first, end);
  const url = text.replaceAll('+', '-').replaceAll('/', '_');
  return [
    [`base64, ${offset} bytes in`, text],
    [`base64url, ${offset} bytes in`, url],
  ];
}

// A part of a file that is looked at in one go.
const CHUNK_BYTES = 8 * 1024 * 1024;
// Places of one spelling in one file: the first few tell where it comes from.
const HITS_MAX_A_SPELLING = 3;

type Needle = Spelling & { canary: string };

export type LeakScanner = {
  /** How many spellings are looked for. */
  needles: number;
  scanBytes(bytes: Buffer, file: string): Hit[];
  /** Reads it in parts, so that size does not matter. */
  scanFile(path: string): Hit[];
};

/**
 * Looks for every spelling of every canary in one pass: by the first three bytes, which are looked up in a table of bits small
 * enough to stay in the processor's cache, and only then byte for byte.
 */
export function createLeakScanner(canaries: readonly Canary[]): LeakScanner {
  const needles = canaries.flatMap((canary) =>
    spellingsOf(canary).map((spelling): Needle => ({ ...spelling, canary: canary.name })),
  );
  const bits = new Uint8Array(2 ** 21);
  const byStart = new Map<number, Needle[]>();
  for (const needle of needles) {
    if (needle.bytes.length < 6) throw new Error(`${needle.canary} is too short to be looked for`);
    const start = needle.bytes.readUIntBE(0, 3);
    bits[start >>> 3] = (bits[start >>> 3] ?? 0) | (1 << (start & 7));
    byStart.set(start, [...(byStart.get(start) ?? []), needle]);
  }
  const longest = Math.max(0, ...needles.map(({ bytes }) => bytes.length));
  const find = (bytes: Buffer, length: number, see: (needle: Needle, offset: number) => void): void => {
    let start = 0;
    for (let index = 0; index < length; index += 1) {
      start = ((start << 8) | (bytes[index] ?? 0)) & 0xffffff;
      if (((bits[start >>> 3] ?? 0) & (1 << (start & 7))) === 0 || index < 2) continue;
      for (const needle of byStart.get(start) ?? []) {
        const from = index - 2;
        const to = from + needle.bytes.length;
        if (to <= length && bytes.compare(needle.bytes, 0, needle.bytes.length, from, to) === 0)
          see(needle, from);
      }
    }
  };
  return {
    needles: needles.length,
    scanBytes(bytes, file) {
      const hits = collector(file);
      find(bytes, bytes.length, hits.add);
      return hits.all();
    },
    scanFile(path) {
      const hits = collector(path);
      const handle = openSync(path, 'r');
      try {
        const chunk = Buffer.alloc(CHUNK_BYTES + longest);
        // What was read before and may be the beginning of something.
        let kept = 0;
        for (let position = 0; ;) {
          const length = readSync(handle, chunk, kept, CHUNK_BYTES, position);
          if (length === 0) return hits.all();
          const start = position - kept;
          find(chunk, kept + length, (needle, offset) => hits.add(needle, start + offset));
          position += length;
          const rest = Math.min(longest - 1, kept + length);
          chunk.copy(chunk, 0, kept + length - rest, kept + length);
          kept = rest;
        }
      } finally {
        closeSync(handle);
      }
    },
  };
}

/** Each place once, although parts of a file overlap. */
function collector(file: string): { add(needle: Needle, offset: number): void; all(): Hit[] } {
  const found = new Map<string, Hit>();
  const counts = new Map<Needle, number>();
  return {
    add(needle, offset) {
      const key = `${needle.canary} ${needle.name} ${offset}`;
      const count = counts.get(needle) ?? 0;
      if (found.has(key) || count >= HITS_MAX_A_SPELLING) return;
      counts.set(needle, count + 1);
      found.set(key, { canary: needle.canary, spelling: needle.name, file, offset });
    },
    all: () => [...found.values()],
  };
}

/** Every file below a folder, sockets and the like left out. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    // A link may lead out of the folder: what it names is looked at where it lies.
    return entry.isFile() && statSync(path).isFile() ? [path] : [];
  });
}
