import { createHmac, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';

// Writes JSON Web Tokens that no library of ours would write.

export type Header = Readonly<Record<string, unknown>>;
export type Claims = Readonly<Record<string, unknown>>;

/** Header, claims and signature of a token, each still in base64url. */
export function partsOf(token: string): [header: string, claims: string, signature: string] {
  const [header, claims, signature] = token.split('.');
  if (header === undefined || claims === undefined || signature === undefined)
    throw new Error('that is no token');
  return [header, claims, signature];
}

/** What a part says. */
export function decode(part: string): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new Error('that is no object');
  return { ...value };
}

export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** By an elliptic key on P-256, as ES256 has it (RFC 7518 §3.4). */
export function signedES256(header: Header, claims: Claims, key: KeyObject): string {
  return signed(header, claims, (text) =>
    sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }),
  );
}

export function signedRS256(header: Header, claims: Claims): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return signed(header, claims, (text) => sign('sha256', Buffer.from(text), privateKey));
}

/** With any text or bytes for a secret. */
export function signedHS256(header: Header, claims: Claims, secret: string | Buffer): string {
  return signed(header, claims, (text) => createHmac('sha256', secret).update(text).digest());
}

function signed(header: Header, claims: Claims, signer: (text: string) => Buffer): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${signer(text).toString('base64url')}`;
}

/** A key of the attacker's own, and how it looks in public. */
export function ownKey(): { key: KeyObject; jwk: JsonWebKey } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    key: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    jwk: publicKey.export({ format: 'jwk' }),
  };
}
