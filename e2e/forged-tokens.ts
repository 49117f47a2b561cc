import { decode, encode, partsOf } from './forge.ts';
import type { Claims, Header } from './forge.ts';

/** Forged credentials by what is wrong with them. */
export type Forged = Record<string, string>;

export type Original = { header: Header; claims: Claims; parts: [string, string, string] };

/** A good token, taken apart. */
export function originalOf(token: string): Original {
  const parts = partsOf(token);
  return { header: decode(parts[0]), claims: decode(parts[1]), parts };
}

/** Without a signature, or with one that is not looked at. */
export function unsigned(token: string): Forged {
  const { header, parts } = originalOf(token);
  const [, claims, signature] = parts;
  const names = ['none', 'None', 'NONE', 'nOnE', '', null];
  return Object.fromEntries(
    names.flatMap((alg) => [
      [`alg ${alg}`, `${encode({ ...header, alg })}.${claims}.`],
      [`alg ${alg} with the signature`, `${encode({ ...header, alg })}.${claims}.${signature}`],
    ]),
  );
}

/** Changed after it was signed. */
export function touched(token: string): Forged {
  const { header, claims, parts } = originalOf(token);
  const [first, second, signature] = parts;
  const bytes = Buffer.from(signature, 'base64url');
  return {
    'another person': `${first}.${encode({ ...claims, sub: 'usr_01jd0000000000000000000000' })}.${signature}`,
    'live instead of test': `${first}.${encode({ ...claims, mode: 'live' })}.${signature}`,
    'longer life': `${first}.${encode({ ...claims, exp: Number(claims['exp']) + 3_600 })}.${signature}`,
    'another header': `${encode({ ...header, extra: 1 })}.${second}.${signature}`,
    'no signature': `${first}.${second}.`,
    'half a signature': `${first}.${second}.${bytes.subarray(0, 32).toString('base64url')}`,
    'a signature of zeros': `${first}.${second}.${Buffer.alloc(64).toString('base64url')}`,
    'one bit of the signature': `${first}.${second}.${flipped(bytes).toString('base64url')}`,
    'a fourth part': `${first}.${second}.${signature}.${signature}`,
    'with padding': `${first}.${second}.${signature}=`,
    'two parts': `${first}.${second}`,
  };
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[10] = (copy[10] ?? 0) ^ 1;
  return copy;
}
