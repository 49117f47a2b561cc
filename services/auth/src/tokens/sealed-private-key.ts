import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { associatedData } from '@centra/service-kit/associated-data.ts';
import type { Keyring } from '@centra/service-kit/keyring.ts';
import { SealError, seal, unseal } from '@centra/service-kit/seal.ts';
import { z } from 'zod';

/** Names the master key, so that it can be replaced: an older one is kept until nothing names it. */
const SEALED_FORM = /^([A-Za-z0-9_-]{1,32}):(.+)$/;

/** PKCS #8 under the active master key, `<master key id>:<sealed>`, bound to the key's id and the master key's. */
export function sealPrivateKey(keyring: Keyring, kid: string, key: KeyObject): string {
  const masterKeyId = keyring.activeKeyId;
  const clear = key.export({ type: 'pkcs8', format: 'der' });
  return `${masterKeyId}:${seal(keyring.key(masterKeyId), clear, boundTo(kid, masterKeyId))}`;
}

/** Opens what `sealPrivateKey` made for the same id; SealError for anything else. */
export function openPrivateKey(keyring: Keyring, kid: string, text: string): KeyObject {
  const [, masterKeyId, sealed] = SEALED_FORM.exec(text) ?? [];
  if (masterKeyId === undefined || sealed === undefined)
    throw new SealError('the sealed signing key has an unknown form');
  const clear = unseal(keyring.key(masterKeyId), sealed, boundTo(kid, masterKeyId));
  const key = createPrivateKey({ key: clear, type: 'pkcs8', format: 'der' });
  clear.fill(0);
  return key;
}

function boundTo(kid: string, masterKeyId: string): Buffer {
  return associatedData('signing key', kid, masterKeyId);
}

const publicJwkSchema = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
});

/** The public part as a JSON Web Key, nothing else in it. Throws for a key that is not on P-256. */
export function publicJwkOf(key: KeyObject): z.infer<typeof publicJwkSchema> {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicJwkSchema.parse(publicKey.export({ format: 'jwk' }));
}

/** The key's id, RFC 7638 §3: one key has one id, and an id that was put beside another key is seen. */
export function thumbprintOf(key: KeyObject): string {
  const { crv, kty, x, y } = publicJwkOf(key);
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}
