import { createSecretKey } from 'node:crypto';
import { associatedData } from '@centra/service-kit/associated-data.ts';
import { readKeyring } from '@centra/service-kit/keyring.ts';
import { seal, unseal } from '@centra/service-kit/seal.ts';
import type { MasterKeyring, WrappedFor } from './master-keyring.ts';

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
      return {
        masterKeyId: activeKeyId,
        wrapped: seal(keyring.key(activeKeyId), dataKey.export(), boundTo(owner, activeKeyId)),
      };
    },
    async unwrap(wrapped, masterKeyId, owner) {
      return createSecretKey(unseal(keyring.key(masterKeyId), wrapped, boundTo(owner, masterKeyId)));
    },
  };
}

function boundTo(owner: WrappedFor, masterKeyId: string): Buffer {
  return associatedData('centra/merchant/data-key/v1', owner.merchantId, String(owner.version), masterKeyId);
}
