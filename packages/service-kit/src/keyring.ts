import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './env.ts';
import { SealError } from './seal.ts';

const KEY_BYTES = 32;
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;

/** The file’s form. */
export const keyringSchema = z.strictObject({
  active: z.string().regex(KEY_ID),
  keys: z.record(z.string().regex(KEY_ID), z.string()),
});

/** Master keys by id: the active one seals, older ones only open. */
export type Keyring = { readonly activeKeyId: string; key(id: string): KeyObject };

/**
 * The keyring of a local file: `{"active":"k1","keys":{"k1":"<base64 of 32 bytes>"}}`. To replace the key, add one and make
 * it active; keep the old one until nothing names it. A missing file is created (mode 0600) outside production and refused
 * in production, where a fresh keyring would silently orphan every stored secret. `key` throws SealError for an unknown id.
 */
export async function readKeyring(path: string, options: { isProduction: boolean }): Promise<Keyring> {
  const text = (await readIfThere(path)) ?? (await createKeyring(path, options.isProduction));
  const { active, keys } = parseKeyring(path, text);
  return {
    activeKeyId: active,
    key(id) {
      const key = keys.get(id);
      if (key === undefined) throw new SealError(`the keyring has no master key ${id}`);
      return key;
    },
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return undefined;
    throw new ConfigError('KEYRING_FILE names a file that cannot be read');
  }
}

async function createKeyring(path: string, isProduction: boolean): Promise<string> {
  if (isProduction)
    throw new ConfigError('KEYRING_FILE names a file that does not exist; in production it is never created');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const text = JSON.stringify({ active: 'k1', keys: { k1: randomBytes(KEY_BYTES).toString('base64') } });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  await writeDurably(draft, text);
  try {
    // Appears whole or not at all; of two processes that start at once the second takes the first one's keyring.
    await link(draft, path);
  } catch (error) {
    if (!isFileError(error, 'EEXIST')) throw error;
  } finally {
    await unlink(draft);
  }
  await syncFolder(dirname(path));
  return await readFile(path, 'utf8');
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function parseKeyring(path: string, text: string): { active: string; keys: Map<string, KeyObject> } {
  const parsed = keyringSchema.safeParse(parseJson(text));
  // Never the parser's own words: they may quote the file.
  if (!parsed.success)
    throw new ConfigError(`KEYRING_FILE (${path}) is not {"active": id, "keys": {id: base64}}`);
  const keys = new Map<string, KeyObject>();
  for (const [id, base64] of Object.entries(parsed.data.keys)) {
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== base64)
      throw new ConfigError(`KEYRING_FILE (${path}): key ${id} is not the base64 of ${KEY_BYTES} bytes`);
    keys.set(id, createSecretKey(bytes));
  }
  const { active } = parsed.data;
  if (!keys.has(active))
    throw new ConfigError(`KEYRING_FILE (${path}): the active key ${active} is not among the keys`);
  return { active, keys };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFileError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
