import { parse, stringify, v7 } from 'uuid';

// Crockford's base32, lower case: the alphabet of the TypeID specification (jetify-com/typeid), which these ids follow.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const VALUE = new Map(Array.from(ALPHABET).map((letter, index) => [letter, BigInt(index)]));
// 26 letters of 5 bits hold 130; a first letter over 7 would not fit 128 bits.
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** What a public id names; the prefix is part of the contract. */
export type IdPrefix =
  | 'mer'
  | 'key'
  | 'usr'
  | 'ses'
  | 'fac'
  | 'rol'
  | 'org'
  | 'inv'
  | 'rr'
  | 'we'
  | 'ct'
  | 'pa'
  | 'pay'
  | 'op'
  | 're'
  | 'quo'
  | 'dis'
  | 'pev'
  | 'evt'
  | 'req';

/** A new UUID of version 7 (RFC 9562): sorts by time, so index pages fill in order. */
export function newUuid(): string {
  return v7();
}

/** `pay` + UUID → `pay_01jd…` (26 letters). */
export function toPublicId(prefix: IdPrefix, uuid: string): string {
  let value = 0n;
  for (const byte of parse(uuid)) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (let index = 0; index < 26; index += 1) {
    text = ALPHABET.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return `${prefix}_${text}`;
}

/** `pay_01jd…` → UUID, or undefined when it is not such an id: callers answer 404, like for any other unknown id. */
export function fromPublicId(prefix: IdPrefix, id: string): string | undefined {
  const suffix = id.startsWith(`${prefix}_`) ? id.slice(prefix.length + 1) : '';
  if (!SUFFIX.test(suffix)) return undefined;
  let value = 0n;
  for (const letter of suffix) value = (value << 5n) | (VALUE.get(letter) ?? 0n);
  const bytes = new Uint8Array(16);
  for (let index = 15; index >= 0; index -= 1) {
    bytes[index] = Number(value & 255n);
    value >>= 8n;
  }
  return stringifyAny(bytes);
}

// uuid's stringify refuses versions it does not know; operation ids are version 8, which it does.
function stringifyAny(bytes: Uint8Array): string | undefined {
  try {
    return stringify(bytes);
  } catch {
    return undefined;
  }
}
