import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tlsVariables } from '@centra/testkit/certificates.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import type { TestMerchant } from './test-service.ts';

export type MainProcess = {
  httpPort: number;
  /** Everything it wrote so far. */
  output(): string;
  /** Asks it to stop (SIGTERM) and answers its exit code. */
  stop(): Promise<number | null>;
};

/** Runs `main.ts` as production does: a process of its own, configured by variables only. */
export async function startMain(
  test: TestMerchant,
  variables: Record<string, string> = {},
): Promise<MainProcess> {
  const folder = temporaryFolder('merchant-main');
  const { config, keys } = test;
  const trustedKeys = join(folder, 'services.jwks.json');
  writeFileSync(trustedKeys, keys.trustedKeys);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      HTTP_PORT: '0',
      GRPC_PORT: '0',
      OPS_PORT: '0',
      DATABASE_URL: config.databaseUrl,
      TRANSACTION_GRPC_ADDRESS: config.transactionAddress,
      TRUSTED_KEYS_FILE: trustedKeys,
      ...tlsVariables(config.tls),
      KEYRING_FILE: config.keyringFile,
      LOG_LEVEL: 'trace',
      ...variables,
    },
  });
  let output = '';
  const keep = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    const code = await ended;
    rmSync(folder, { recursive: true, force: true });
    return code;
  };
  try {
    const httpPort = await waitFor('the process to be up', async () => {
      if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}: ${output}`);
      return /"http":(\d+)/.exec(output)?.[1];
    });
    return { httpPort: Number(httpPort), output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
