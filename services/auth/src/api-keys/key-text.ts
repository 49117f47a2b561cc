import { createHash, randomBytes } from 'node:crypto';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { Secret } from '@centra/service-kit/secret.ts';

export type Mode = 'test' | 'live';

// 256 bits from the system's generator: nobody guesses it, and no list of common secrets holds it.
const SECRET_BYTES = 32;
// The letters of the id are those of `key_…`; 32 bytes are 43 letters of base64url.
const KEY_TEXT = /^ck_(?:test|live)_([0-9a-z]{26})_[A-Za-z0-9_-]{43}$/;

/** A new key `ck_<mode>_<id>_<secret>`. The id is the public one's letters, so that the row is found by its index. */
export function newKeyText(mode: Mode, id: string): Secret {
  const letters = toPublicId('key', id).slice('key_'.length);
  return new Secret(`ck_${mode}_${letters}_${randomBytes(SECRET_BYTES).toString('base64url')}`);
}

/** The UUID that a key's text names, or undefined when it is not the text of a key. */
export function idOfKeyText(text: string): string | undefined {
  const letters = KEY_TEXT.exec(text)?.[1];
  return letters === undefined ? undefined : fromPublicId('key', `key_${letters}`);
}

/**
 * SHA-256 of the whole text, mode and id included, so that neither can be altered. A slow password hash would add
 * nothing: it makes guessing a weak secret dear, and 256 random bits are beyond guessing at any speed.
 */
export function hashKeyText(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
