import { associatedData } from '@centra/service-kit/associated-data.ts';
import type { Keyring } from '@centra/service-kit/keyring.ts';
import { SealError, seal, unseal } from '@centra/service-kit/seal.ts';

/** Which row a secret belongs to: pasted into another one it does not open. UUIDs. */
export type FactorPlace = { userId: string; id: string };

/** `<id of the master key>:<sealed secret>`, under the active key. */
export function sealSecret(keyring: Keyring, place: FactorPlace, secret: Uint8Array): string {
  const keyId = keyring.activeKeyId;
  return `${keyId}:${seal(keyring.key(keyId), Buffer.from(secret), boundTo(place, keyId))}`;
}

/** Opens what `sealSecret` made for the same row; anything else throws SealError. */
export function unsealSecret(keyring: Keyring, place: FactorPlace, text: string): Buffer {
  const colon = text.indexOf(':');
  if (colon < 0) throw new SealError('the sealed second factor names no master key');
  const keyId = text.slice(0, colon);
  return unseal(keyring.key(keyId), text.slice(colon + 1), boundTo(place, keyId));
}

function boundTo({ userId, id }: FactorPlace, keyId: string): Buffer {
  return associatedData('second factor', userId, id, keyId);
}
