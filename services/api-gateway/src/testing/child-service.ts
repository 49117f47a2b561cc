import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tlsVariables } from '@centra/testkit/certificates.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import type { ServiceKeys } from '@centra/testkit/service-keys.ts';
import { testTlsFiles } from '@centra/testkit/test-tls.ts';

export const SERVICES_FOLDER = join(import.meta.dirname, '..', '..', '..');

/** One of the platform's other services, as a process of its own that a test may stop, freeze or kill. */
export type ChildService = {
  httpUrl: string;
  httpPort: number;
  grpcAddress: string;
  readyUrl: string;
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** The same service again on the same ports. */
  restart(): Promise<void>;
};

/** Starts a service by its own main.ts and waits until it is ready. */
export async function startChildService(
  service: string,
  keys: ServiceKeys,
  folder: string,
  env: Record<string, string>,
): Promise<ChildService> {
  const [http, grpc, ops] = [await freePort(), await freePort(), await freePort()];
  const readyUrl = `http://127.0.0.1:${ops}/ready`;
  const variables = {
    ...process.env,
    LOG_LEVEL: 'silent',
    HTTP_PORT: String(http),
    GRPC_PORT: String(grpc),
    OPS_PORT: String(ops),
    ...writeKeys(service, keys, folder),
    ...env,
  };
  const start = async (): Promise<ChildProcess> => {
    const main = join(SERVICES_FOLDER, service, 'src', 'main.ts');
    const child = spawn(process.execPath, [main], {
      env: variables,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    await waitFor(`${service} to be ready`, async () => {
      if (child.exitCode !== null) throw new Error(`${service} ended with ${child.exitCode}`);
      return (await isOk(readyUrl)) ? true : undefined;
    });
    return child;
  };
  let child = await start();
  return {
    httpUrl: `http://127.0.0.1:${http}`,
    httpPort: http,
    grpcAddress: `127.0.0.1:${grpc}`,
    readyUrl,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill: async () => await kill(child),
    restart: async () => {
      await kill(child);
      child = await start();
    },
  };
}

async function isOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await ended;
}

/** Writes what a service reads at start; returns the variables that name the files. */
export function writeKeys(service: string, keys: ServiceKeys, folder: string): Record<string, string> {
  mkdirSync(folder, { recursive: true });
  const signingKeyFile = join(folder, `${service}.pem`);
  const trustedKeysFile = join(folder, 'trusted-keys.json');
  writeFileSync(signingKeyFile, keys.privateKeys[service] ?? '');
  writeFileSync(trustedKeysFile, keys.trustedKeys);
  return {
    SIGNING_KEY_FILE: signingKeyFile,
    TRUSTED_KEYS_FILE: trustedKeysFile,
    ...tlsVariables(testTlsFiles(service)),
  };
}
