import { hash } from 'node:crypto';

/** SHA-256 of the canonical form of a parsed request: equal exactly when the requests ask for the same. */
export function fingerprintOf(request: unknown): Buffer {
  return hash('sha256', canonicalJson(request), 'buffer');
}

/** JSON without spaces and with the keys of every object in order of their UTF-16 code units (as RFC 8785 §3.2.3). */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}
