import { createHash, randomBytes } from 'node:crypto';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { Secret } from '@centra/service-kit/secret.ts';

// 256 bits (ASVS 11.5.1 asks for 128): nobody guesses it, so a fast hash protects it.
const SECRET_BYTES = 32;
// The session's id finds the row; the generation tells a used token from a made-up one.
const TEXT = /^rt_([0-9a-hjkmnp-tv-z]{26})_([1-9]\d{0,8})_[A-Za-z0-9_-]{43}$/;

/** `rt_<26 letters of the session's id>_<generation>_<43 characters>`, and what is stored of it. */
export function newRefreshToken(sessionId: string, generation: number): { text: Secret; hash: Buffer } {
  const letters = toPublicId('ses', sessionId).slice('ses_'.length);
  const text = `rt_${letters}_${generation}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { text: new Secret(text), hash: hash(text) };
}

/** Where to look for a token; undefined for what is none. */
export function readRefreshToken(
  text: string,
): { sessionId: string; generation: number; hash: Buffer } | undefined {
  const [, letters, generation] = TEXT.exec(text) ?? [];
  if (letters === undefined || generation === undefined) return undefined;
  const sessionId = fromPublicId('ses', `ses_${letters}`);
  return sessionId === undefined
    ? undefined
    : { sessionId, generation: Number(generation), hash: hash(text) };
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
