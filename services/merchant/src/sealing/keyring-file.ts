import { createSecretKey } from 'node:crypto';
import { readKeyring } from '@centra/service-kit/keyring.ts';
import { seal, unseal } from '@centra/service-kit/seal.ts';
import { dataKeyBinding } from './master-keyring.ts';
import type { MasterKeyring } from './master-keyring.ts';

/** The master keyring from a local file; its form and how it is replaced stand in the kit's `keyring.ts`. */
export async function readKeyringFile(
  path: string,
  options: { isProduction: boolean },
): Promise<MasterKeyring> {
  const keyring = await readKeyring(path, options);
  const { activeKeyId } = keyring;
  return {
    activeKeyId,
    async wrap(dataKey, owner) {
      const bound = dataKeyBinding(owner, activeKeyId);
      return { masterKeyId: activeKeyId, wrapped: seal(keyring.key(activeKeyId), dataKey.export(), bound) };
    },
    async unwrap(wrapped, masterKeyId, owner) {
      return createSecretKey(unseal(keyring.key(masterKeyId), wrapped, dataKeyBinding(owner, masterKeyId)));
    },
    newest: async () => ({ masterKeyId: activeKeyId, startsWith: 'v1.' }),
    check: async () => {},
    close: async () => {},
  };
}
