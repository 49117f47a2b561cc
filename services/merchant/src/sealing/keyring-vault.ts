import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AppError } from '@centra/service-kit/errors.ts';
import { SealError } from '@centra/service-kit/seal.ts';
import { z } from 'zod';
import type { VaultClient } from '../vault/vault-client.ts';
import type { VaultConfig } from '../vault/vault-config.ts';
import { VaultError } from '../vault/vault-error.ts';
import { dataKeyBinding } from './master-keyring.ts';
import type { MasterKeyring } from './master-keyring.ts';

const KEY_BYTES = 32;

const encryptedSchema = z.object({
  data: z.object({ ciphertext: z.string().regex(/^vault:v\d{1,9}:[A-Za-z0-9+/]+={0,2}$/) }),
});
const decryptedSchema = z.object({ data: z.object({ plaintext: z.string() }) });
const keySchema = z.object({ data: z.object({ latest_version: z.int().min(1) }) });

/**
 * Vault's transit engine as master keyring: the master key never leaves Vault, and the text it gives back names the version
 * that wrapped (`vault:v3:…`). Not `rewrap`: that knows no associated data, so what is bound does not open there.
 */
export function createVaultKeyring(
  client: VaultClient,
  {
    transitMount: mount,
    transitKey: key,
    transitOldKeys,
  }: Pick<VaultConfig, 'transitMount' | 'transitKey' | 'transitOldKeys'>,
): MasterKeyring {
  const idPrefix = `vault:${mount}/`;
  const activeKeyId = `${idPrefix}${key}`;
  return {
    activeKeyId,
    async wrap(dataKey, owner) {
      const body = {
        plaintext: dataKey.export().toString('base64'),
        associated_data: dataKeyBinding(owner, activeKeyId).toString('base64'),
      };
      const asked = { method: 'POST', path: `${mount}/encrypt/${key}`, body } as const;
      const { data } = await reached(client.call('encrypt', asked, encryptedSchema));
      return { masterKeyId: activeKeyId, wrapped: data.ciphertext };
    },
    async unwrap(wrapped, masterKeyId, owner) {
      // A row does not decide which path is asked: the configuration names every key that may be.
      const name = [key, ...transitOldKeys].find((known) => masterKeyId === `${idPrefix}${known}`);
      if (name === undefined) throw new SealError(`no key of Vault is configured for ${masterKeyId}`);
      const associated = dataKeyBinding(owner, masterKeyId).toString('base64');
      const body = { ciphertext: wrapped, associated_data: associated };
      const asked = { method: 'POST', path: `${mount}/decrypt/${name}`, body } as const;
      const { data } = await reached(opened(client.call('decrypt', asked, decryptedSchema)));
      return toKey(data.plaintext);
    },
    async newest() {
      const asked = { method: 'GET', path: `${mount}/keys/${key}` } as const;
      const { data } = await reached(client.call('read key', asked, keySchema));
      return { masterKeyId: activeKeyId, startsWith: `vault:v${data.latest_version}:` };
    },
    async check() {
      if (!client.hasLoggedIn()) throw new Error('not logged in at Vault yet');
    },
    close: () => client.close(),
  };
}

function toKey(base64: string): KeyObject {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== KEY_BYTES)
    throw new SealError(`expected a key of ${KEY_BYTES} bytes, found ${bytes.length}`);
  return createSecretKey(bytes);
}

/** 400 of a decryption is about the value: tampered, moved, of a version that is no longer allowed, or of a key that is gone. */
async function opened<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof VaultError && error.status === 400)
      throw new SealError('the wrapped key does not open', { cause: error });
    throw error;
  }
}

/** Whatever else Vault answers may pass: sealed, overloaded, unreachable, or a policy that somebody mends. */
async function reached<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    throw new AppError('unavailable', { cause: error, retryAfterSeconds: 5, internal: error.message });
  }
}
