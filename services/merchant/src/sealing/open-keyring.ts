import type { Logger } from '@centra/service-kit/log.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import { SealError } from '@centra/service-kit/seal.ts';
import type { Config } from '../config.ts';
import { createVaultClient } from '../vault/vault-client.ts';
import { cacheOpenedKeys } from './cached-keyring.ts';
import { readKeyringFile } from './keyring-file.ts';
import { createVaultKeyring } from './keyring-vault.ts';
import type { MasterKeyring } from './master-keyring.ts';

// More hotels than one replica serves within minutes, at about 1 KiB each.
const OPENED_KEYS_MAX = 10_000;

/**
 * The keyring of the configuration. With both a file and Vault, the active one wraps and the other only unwraps what it wrapped
 * before; a loop moves that over, in either direction.
 */
export async function openKeyring(
  config: Pick<Config, 'masterKeys' | 'keyringFile' | 'vault' | 'openedKeySeconds' | 'isProduction'>,
  { log, metrics }: { log: Logger; metrics: Metrics },
): Promise<MasterKeyring> {
  const file =
    config.keyringFile === undefined ? undefined : await readKeyringFile(config.keyringFile, config);
  const { vault: vaultConfig } = config;
  const freshMs = config.openedKeySeconds * 1000;
  const vault =
    vaultConfig === undefined
      ? undefined
      : cacheOpenedKeys(createVaultKeyring(createVaultClient(vaultConfig, { log, metrics }), vaultConfig), {
          freshMs,
          keptMs: 3 * freshMs,
          keysMax: OPENED_KEYS_MAX,
        });
  const active = config.masterKeys === 'vault' ? vault : file;
  if (active === undefined) throw new Error(`there is no keyring of ${config.masterKeys}`);
  return {
    ...active,
    async unwrap(wrapped, masterKeyId, owner) {
      // Ids of a file have no colon.
      const keyring = masterKeyId.startsWith('vault:') ? vault : file;
      if (keyring === undefined)
        throw new SealError(`no keyring is configured for master key ${masterKeyId}`);
      return await keyring.unwrap(wrapped, masterKeyId, owner);
    },
    async close() {
      await Promise.all([file?.close(), vault?.close()]);
    },
  };
}
