import type { KeyObject } from 'node:crypto';
import { SealError } from '@centra/service-kit/seal.ts';
import type { MasterKeyring, WrappedFor } from './master-keyring.ts';

type Limits = {
  /** An opened key older than this is opened again in the background while it still serves. */
  freshMs: number;
  /** An opened key older than this serves no more. */
  keptMs: number;
  keysMax: number;
};

type Opened = { key: KeyObject; openedAtMs: number; triedAtMs: number };

// While the master key is away, opening again is tried this often for each key that is in use.
const TRY_EVERY_MS = 5_000;

/**
 * Remembers opened data keys, so that no charge waits for a master key that is a network call away, and none fails while that
 * is away for some minutes. What is remembered belongs to exactly this text, master key and owner: an altered or moved row
 * finds nothing here.
 */
export function cacheOpenedKeys(keyring: MasterKeyring, limits: Limits): MasterKeyring {
  // In order of use, so that the first is the one that was not needed for longest.
  const opened = new Map<string, Opened>();
  const opening = new Map<string, Promise<KeyObject>>();
  const open = (name: string, ask: () => Promise<KeyObject>): Promise<KeyObject> => {
    const asked = opening.get(name) ?? ask().finally(() => opening.delete(name));
    opening.set(name, asked);
    return asked.then((key) => {
      const now = performance.now();
      remember(opened, name, { key, openedAtMs: now, triedAtMs: now }, limits.keysMax);
      return key;
    });
  };
  // Keys that nobody asks for any more must not stay in memory.
  const sweep = setInterval(
    () => {
      for (const [name, { openedAtMs }] of opened)
        if (performance.now() - openedAtMs >= limits.keptMs) opened.delete(name);
    },
    Math.max(1_000, limits.keptMs),
  ).unref();
  return {
    ...keyring,
    async unwrap(wrapped, masterKeyId, owner) {
      const name = nameOf(wrapped, masterKeyId, owner);
      const ask = (): Promise<KeyObject> => keyring.unwrap(wrapped, masterKeyId, owner);
      const known = opened.get(name);
      const now = performance.now();
      const ageMs = known === undefined ? Infinity : now - known.openedAtMs;
      if (known === undefined || ageMs >= limits.keptMs) return await open(name, ask);
      remember(opened, name, known, limits.keysMax);
      if (ageMs >= limits.freshMs && now - known.triedAtMs >= Math.min(limits.freshMs, TRY_EVERY_MS)) {
        known.triedAtMs = now;
        open(name, ask).catch((error: unknown) => {
          // Vault itself says that this must not open any more; that it is away says nothing about the key.
          if (error instanceof SealError) opened.delete(name);
        });
      }
      return known.key;
    },
    async close() {
      clearInterval(sweep);
      opened.clear();
      await keyring.close();
    },
  };
}

function nameOf(wrapped: string, masterKeyId: string, { merchantId, version }: WrappedFor): string {
  return JSON.stringify([merchantId, version, masterKeyId, wrapped]);
}

function remember(opened: Map<string, Opened>, name: string, key: Opened, keysMax: number): void {
  opened.delete(name);
  opened.set(name, key);
  for (const [oldest] of opened) {
    if (opened.size <= keysMax) return;
    opened.delete(oldest);
  }
}
