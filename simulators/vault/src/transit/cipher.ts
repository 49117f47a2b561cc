import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { badRequest } from '../http/vault-error.ts';
import type { TransitKey } from '../state.ts';
import { keyBytes } from './transit-key.ts';

/** One value to encrypt or decrypt. Everything binary comes as base64. */
export type Item = {
  plaintext?: string | undefined;
  ciphertext?: string | undefined;
  context?: string | undefined;
  associated_data?: string | undefined;
  key_version?: number | undefined;
};

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM under the latest version, or the one asked for; the text is `vault:v<version>:<base64 of nonce, bytes, tag>`. */
export function encryptItem(key: TransitKey, item: Item): { ciphertext: string; key_version: number } {
  if (item.plaintext === undefined) throw badRequest('missing plaintext to encrypt');
  const version = versionToEncrypt(key, item.key_version);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyBytes(key, version, optionalBytes(item.context)), nonce, {
    authTagLength: TAG_BYTES,
  });
  const bound = optionalBytes(item.associated_data);
  if (bound !== undefined) cipher.setAAD(bound);
  const sealed = Buffer.concat([
    nonce,
    cipher.update(bytesOf(item.plaintext)),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return { ciphertext: `vault:v${version}:${sealed.toString('base64')}`, key_version: version };
}

/** 400 for anything that is not exactly what was encrypted with this key, context and associated data. */
export function decryptItem(key: TransitKey, item: Item): { plaintext: string } {
  if (item.ciphertext === undefined || item.ciphertext === '')
    throw badRequest('missing ciphertext to decrypt');
  const { version, sealed } = parseCiphertext(key, item.ciphertext);
  const bytes = keyBytes(key, version, optionalBytes(item.context));
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw badRequest('invalid ciphertext length');
  const decipher = createDecipheriv('aes-256-gcm', bytes, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  const bound = optionalBytes(item.associated_data);
  if (bound !== undefined) decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const unchecked = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    return { plaintext: Buffer.concat([unchecked, decipher.final()]).toString('base64') };
  } catch {
    throw badRequest('cipher: message authentication failed');
  }
}

function versionToEncrypt(key: TransitKey, asked = 0): number {
  if (asked === 0) return key.latest;
  if (asked > key.latest)
    throw badRequest('requested version for encryption is higher than the latest key version');
  if (asked < key.min_encryption)
    throw badRequest('requested version for encryption is less than the minimum encryption key version');
  return asked;
}

function parseCiphertext(key: TransitKey, text: string): { version: number; sealed: Buffer } {
  if (!text.startsWith('vault:v')) throw badRequest('invalid ciphertext: no prefix');
  const [digits, encoded, ...rest] = text.slice('vault:v'.length).split(':');
  if (digits === undefined || encoded === undefined || rest.length > 0)
    throw badRequest('invalid ciphertext: wrong number of fields');
  if (!/^\d{1,9}$/.test(digits)) throw badRequest('invalid ciphertext: version number could not be decoded');
  // Version 0 was written by servers before 0.3 and means 1.
  const version = Math.max(1, Number(digits));
  if (version > key.latest) throw badRequest('invalid ciphertext: version is too new');
  if (version < key.min_decryption)
    throw badRequest('ciphertext or signature version is disallowed by policy (too old)');
  const sealed = decoded(encoded);
  if (sealed === undefined) throw badRequest('invalid ciphertext: could not decode base64');
  return { version, sealed };
}

function optionalBytes(text: string | undefined): Buffer | undefined {
  return text === undefined || text === '' ? undefined : bytesOf(text);
}

function bytesOf(text: string): Buffer {
  const bytes = decoded(text);
  if (bytes === undefined) throw badRequest('illegal base64 data at input byte 0');
  return bytes;
}

function decoded(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
