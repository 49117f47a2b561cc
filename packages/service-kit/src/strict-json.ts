import { maskCardNumbers } from './card-data.ts';
import { AppError } from './errors.ts';

// Far above any honest request of ours, far below what makes parsing slow (security-tests row 6).
const DEPTH_MAX = 32;
const KEYS_MAX = 1_000;
// Names through which a careless merge reaches the prototype of every object (row 7).
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Parses JSON that means the same to everyone: UTF-8, no duplicate or prototype keys, no number that loses digits,
 * no NUL, no lone surrogate, bounded depth and key count. Throws `malformed_json` (400) with the reason.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('it is not well-formed JSON');
  }
  scan(text);
  return value;
}

// ignoreBOM: a byte order mark is not JSON (RFC 8259 §8.1), so it must stay visible and fail.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw malformed('it is not valid UTF-8');
  }
}

type Container = { keys: Set<string> | undefined };

/** Walks text that JSON.parse accepted, and looks at what parsing hides: repeated keys, literal numbers, escapes. */
function scan(text: string): void {
  const open: Container[] = [];
  let keyCount = 0;
  let index = 0;
  while (index < text.length) {
    const letter = text.charCodeAt(index);
    if (letter === 0x22) {
      const end = stringEnd(text, index);
      const container = open.at(-1);
      if (container?.keys !== undefined && isKey(text, end)) {
        keyCount += 1;
        if (keyCount > KEYS_MAX) throw malformed(`it has more than ${KEYS_MAX} keys`);
        addKey(container.keys, checkedString(text.slice(index, end)));
      } else {
        checkedString(text.slice(index, end));
      }
      index = end;
    } else if (letter === 0x7b || letter === 0x5b) {
      if (open.length === DEPTH_MAX) throw malformed(`it is nested deeper than ${DEPTH_MAX} levels`);
      open.push({ keys: letter === 0x7b ? new Set() : undefined });
      index += 1;
    } else if (letter === 0x7d || letter === 0x5d) {
      open.pop();
      index += 1;
    } else if (letter === 0x2d || (letter >= 0x30 && letter <= 0x39)) {
      index = checkedNumber(text, index);
    } else {
      index += 1;
    }
  }
}

/** The index after the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let index = start + 1;
  while (text.charCodeAt(index) !== 0x22) index += text.charCodeAt(index) === 0x5c ? 2 : 1;
  return index + 1;
}

/** Inside an object a string is a key exactly when a colon follows. */
function isKey(text: string, afterString: number): boolean {
  let index = afterString;
  while (' \t\n\r'.includes(text.charAt(index)) && index < text.length) index += 1;
  return text.charCodeAt(index) === 0x3a;
}

function addKey(keys: Set<string>, key: string): void {
  if (FORBIDDEN_KEYS.has(key)) throw malformed(`the key "${key}" is not allowed`);
  if (keys.has(key))
    throw malformed(`the key ${JSON.stringify(maskCardNumbers(key.slice(0, 64)))} appears twice`);
  keys.add(key);
}

function checkedString(literal: string): string {
  const value = literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1);
  if (value.includes('\0')) throw malformed('a text contains NUL');
  if (!value.isWellFormed()) throw malformed('a text contains a lone surrogate');
  return value;
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function checkedNumber(text: string, start: number): number {
  NUMBER.lastIndex = start;
  const literal = NUMBER.exec(text)?.[0] ?? '';
  const value = Number(literal);
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw malformed(`${named(literal)} is out of range`);
  if (Object.is(value, -0)) throw malformed('-0 is not a number that we accept');
  // 0.30000000000000004 and 1.0 both arrive changed or in a second spelling; amounts are whole numbers anyway.
  if (String(value) !== literal) throw malformed(`${named(literal)} is not written plainly`);
  return start + literal.length;
}

// A longer one could be a card number, and refusals repeat none.
const NAMED_NUMBER_MAX_LENGTH = 12;

function named(literal: string): string {
  return literal.length > NAMED_NUMBER_MAX_LENGTH ? 'a long number' : `the number ${literal}`;
}

function malformed(reason: string): AppError {
  return new AppError('malformed_json', { detail: `The body is not acceptable: ${reason}.` });
}
