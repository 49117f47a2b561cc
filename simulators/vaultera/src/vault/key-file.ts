import type { KeyObject } from 'node:crypto';
import { createSecretKey, randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';

/** AES-256. */
const KEY_BYTES = 32;

/** Reads the vault key, or makes it at the first start, readable by its owner only. A key of another size throws. */
export async function vaultKey(path: string): Promise<KeyObject> {
  const key = (await existingKey(path)) ?? (await newKey(path));
  if (key.length !== KEY_BYTES) throw new Error(`${path} is not a ${KEY_BYTES}-byte key`);
  return createSecretKey(key);
}

async function existingKey(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function newKey(path: string): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(key);
    await file.sync();
  } finally {
    await file.close();
  }
  return key;
}
