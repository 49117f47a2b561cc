import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSimulator } from '@centra/simulator-vault/simulator.ts';
import type { Simulator } from '@centra/simulator-vault/simulator.ts';
import { control, prepareApplication } from '@centra/simulator-vault/testing/prepare-application.ts';
import type { ApplicationOptions } from '@centra/simulator-vault/testing/prepare-application.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { z } from 'zod';
import type { VaultConfig } from '../vault/vault-config.ts';

/** A simulated Vault, prepared for this service, and the configuration that leads to it. */
export type TestVault = {
  simulator: Simulator;
  config: VaultConfig;
  /** Puts another text where the secret id is read from. */
  deliver(secretId: string): void;
  control(path: string, body?: unknown): Promise<unknown>;
  /** How often Vault was asked for something that begins so, since the start. */
  countOf(path: string): Promise<number>;
  clearFaults(): Promise<void>;
};

export async function startTestVault(options: ApplicationOptions = {}): Promise<TestVault> {
  const simulator = await startSimulator();
  const { roleId, secretId, key, mount } = await prepareApplication(simulator, options);
  const folder = temporaryFolder('vault');
  const [roleIdFile, secretIdFile] = [join(folder, 'role-id'), join(folder, 'secret-id')];
  writeFileSync(roleIdFile, `${roleId}\n`);
  writeFileSync(secretIdFile, `${secretId}\n`);
  return {
    simulator,
    config: {
      address: simulator.url,
      nodes: [],
      namespace: undefined,
      transitMount: mount,
      transitKey: key,
      transitOldKeys: [],
      authMount: 'approle',
      roleIdFile,
      secretIdFile,
      secretIdWrapped: false,
      caFile: undefined,
      // Short, so that a test of a slow Vault is not.
      timeoutMs: 1_000,
    },
    deliver: (text) => writeFileSync(secretIdFile, text),
    control: (path, body) => control(simulator.url, path, body),
    async countOf(path) {
      const journal = await fetch(`${simulator.url}/_control/journal`);
      const { entries } = z
        .object({ entries: z.array(z.object({ path: z.string() })) })
        .parse(await journal.json());
      return entries.filter((entry) => entry.path.startsWith(path)).length;
    },
    async clearFaults() {
      await fetch(`${simulator.url}/_control/faults`, { method: 'DELETE' });
    },
  };
}
