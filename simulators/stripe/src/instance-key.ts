import { createHmac, createSecretKey, hash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Turns guessable input (card numbers, request parameters) into values that cannot be reversed from the journal. */
export type InstanceKey = {
  /** Lower-case hex HMAC-SHA256 of the parts. */
  digest(...parts: string[]): string;
};

/**
 * Reads the data directory's own random key, or makes it once (mode 0600).
 * It lies beside the journal, never in it: a hash of a card number is only as secret as its key.
 */
export async function openInstanceKey(dataDir: string): Promise<InstanceKey> {
  const path = join(dataDir, 'instance.key');
  const key = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const secret = key ?? randomBytes(32);
  if (!key) await writeFile(path, secret, { mode: 0o600, flag: 'wx', flush: true });
  const keyObject = createSecretKey(secret);
  return {
    digest: (...parts) => createHmac('sha256', keyObject).update(parts.join('\0')).digest('hex'),
  };
}

/** Stripe secret keys are long and random, so a plain hash keeps them out of the journal. */
export function hashSecretKey(secretKey: string): string {
  return hash('sha256', secretKey);
}
