import type { KeyObject } from 'node:crypto';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { vaultKey } from './key-file.ts';

const CIPHER = 'aes-256-gcm';
/** The nonce size GCM is specified for. */
const NONCE_BYTES = 12;
/** The full tag: a shorter one is easier to forge. */
const TAG_BYTES = 16;

/**
 * Secrets sealed with AES-256-GCM, one file each, so that removing a secret really removes it:
 * an append-only journal would keep a wiped CVV for ever.
 */
export class SealedStore {
  readonly #folder: string;
  readonly #key: KeyObject;
  readonly #sealed: Map<string, Buffer>;

  private constructor(folder: string, key: KeyObject, sealed: Map<string, Buffer>) {
    this.#folder = folder;
    this.#key = key;
    this.#sealed = sealed;
  }

  /** Opens the store below `dataDir`, keeping the secrets named by `keep` and removing the rest (see `remove`). */
  static async open(dataDir: string, keep: Set<string>): Promise<SealedStore> {
    const key = await vaultKey(join(dataDir, 'vault.key'));
    const folder = join(dataDir, 'sealed');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const sealed = new Map<string, Buffer>();
    for (const name of await readdir(folder)) {
      if (keep.has(name)) sealed.set(name, await readFile(join(folder, name)));
      else await rm(join(folder, name));
    }
    await syncFolder(folder);
    await syncFolder(dataDir);
    return new SealedStore(folder, key, sealed);
  }

  /** Seals and fsyncs new secrets. Call it before the journal line that makes them part of a card. */
  async put(secrets: Map<string, string>): Promise<void> {
    await Promise.all(
      [...secrets].map(async ([name, secret]) => {
        const sealed = seal(this.#key, name, secret);
        await writeNew(join(this.#folder, name), sealed);
        this.#sealed.set(name, sealed);
      }),
    );
    await syncFolder(this.#folder);
  }

  get(name: string): string | undefined {
    const sealed = this.#sealed.get(name);
    return sealed && unseal(this.#key, name, sealed);
  }

  /** Makes secrets unreadable for every other request at once; `remove` then takes them off the disk. */
  forget(names: string[]): void {
    for (const name of names) this.#sealed.delete(name);
  }

  /** Removes secrets from the disk. Call it after the journal line: a crash in between is repaired by `open`. */
  async remove(names: string[]): Promise<void> {
    this.forget(names);
    // A wipe and a deletion may race for the same file; whoever comes second finds it gone.
    for (const name of names) await rm(join(this.#folder, name), { force: true });
    await syncFolder(this.#folder);
  }
}

/** The name is authenticated too, so that a sealed secret cannot be passed off as another card's. */
function seal(key: KeyObject, name: string, secret: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(name));
  const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

function unseal(key: KeyObject, name: string, sealed: Buffer): string {
  const text = sealed.subarray(NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(name));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
}

async function writeNew(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
