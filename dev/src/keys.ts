import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import type { KeyFiles } from './plan.ts';

/** The services' signing keys: made at the first start, kept afterwards. */
export function writeKeys(folder: string): KeyFiles {
  const files: KeyFiles = {
    privateKeyFile: (service) => join(folder, `${service}.pem`),
    trustedKeysFile: join(folder, 'trusted-keys.json'),
  };
  if (existsSync(files.trustedKeysFile)) return files;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { privateKeys, trustedKeys } = createServiceKeys();
  for (const [service, pem] of Object.entries(privateKeys))
    writeFileSync(files.privateKeyFile(service), pem, { mode: 0o600 });
  writeFileSync(files.trustedKeysFile, trustedKeys);
  return files;
}
