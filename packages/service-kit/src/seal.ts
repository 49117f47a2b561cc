import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
// The nonce length GCM is specified for; random, so one key must seal far fewer than 2^32 values (see data-key.ts).
const NONCE_BYTES = 12;
// The full tag. Node takes a 4-byte one unless the length is demanded, and 4 bytes can be guessed.
const TAG_BYTES = 16;
const FORMAT = 'v1';

/** A sealed value that does not open: altered, cut, moved to another row, or sealed by another key. */
export class SealError extends Error {
  override name = 'SealError';
}

/** Seals under AES-256-GCM. The text form is `v1.<nonce>.<ciphertext>.<tag>`, each part base64url. */
export function seal(key: KeyObject, clear: string | Buffer, bound: Buffer): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(bound);
  const bytes = typeof clear === 'string' ? Buffer.from(clear, 'utf8') : clear;
  const text = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return [FORMAT, ...[nonce, text, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.');
}

/** Opens what `seal` made with the same key and binding; anything else throws SealError. */
export function unseal(key: KeyObject, sealed: string, bound: Buffer): Buffer {
  const [format, nonce, text, tag, ...rest] = sealed.split('.');
  if (format !== FORMAT || nonce === undefined || text === undefined || tag === undefined || rest.length > 0)
    throw new SealError('the sealed value has an unknown form');
  try {
    const decipher = createDecipheriv(CIPHER, key, exactly(NONCE_BYTES, nonce), { authTagLength: TAG_BYTES });
    decipher.setAAD(bound);
    decipher.setAuthTag(exactly(TAG_BYTES, tag));
    // update() hands out bytes that nobody has checked yet; they are used only when final() has.
    const unchecked = decipher.update(Buffer.from(text, 'base64url'));
    return Buffer.concat([unchecked, decipher.final()]);
  } catch (error) {
    throw new SealError('the sealed value does not open', { cause: error });
  }
}

function exactly(length: number, base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  if (bytes.length !== length) throw new SealError(`expected ${length} bytes, found ${bytes.length}`);
  return bytes;
}
