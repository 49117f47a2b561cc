import { hkdfSync, randomBytes } from 'node:crypto';
import type { Context } from '../context.ts';
import { VaultError, badRequest } from '../http/vault-error.ts';
import type { TransitKey } from '../state.ts';

/** The key, or undefined; 404 unless transit is mounted there. */
export function findKey(ctx: Context, mount: string, name: string): TransitKey | undefined {
  if (ctx.state.mounts[mount] === undefined)
    throw new VaultError(404, `no handler for route "${mount}/". route entry not found.`);
  return ctx.state.keys[`${mount}/${name}`];
}

/** 400 when there is no such key: what a decryption with a missing key answers. */
export function keyNamed(ctx: Context, mount: string, name: string): TransitKey {
  const key = findKey(ctx, mount, name);
  if (key === undefined) throw badRequest('encryption key not found');
  return key;
}

export function addKey(
  ctx: Context,
  wanted: Pick<TransitKey, 'mount' | 'name' | 'derived' | 'exportable'>,
): TransitKey {
  const key: TransitKey = {
    ...wanted,
    versions: {},
    latest: 0,
    min_decryption: 1,
    min_encryption: 0,
    min_available: 0,
    deletion_allowed: false,
  };
  rotateKey(ctx, key);
  ctx.state.keys[`${wanted.mount}/${wanted.name}`] = key;
  return key;
}

/** Adds a version, which encrypts from now on; older ones go on decrypting. */
export function rotateKey(ctx: Context, key: TransitKey): void {
  key.latest += 1;
  key.versions[String(key.latest)] = {
    key: randomBytes(32).toString('base64'),
    created: Math.floor(ctx.clock.nowMs() / 1000),
  };
}

/** The 32 bytes of one version; of a derived key those for this context (HKDF-SHA-256). */
export function keyBytes(key: TransitKey, version: number, context: Buffer | undefined): Buffer {
  const stored = key.versions[String(version)];
  if (stored === undefined)
    throw badRequest('ciphertext or signature version is disallowed by policy (too old)');
  const bytes = Buffer.from(stored.key, 'base64');
  if (!key.derived) return bytes;
  if (context === undefined || context.length === 0)
    throw badRequest(
      "missing 'context' for key derivation; the key was created using a derived key, which means additional, per-request information must be included in order to perform operations with the key",
    );
  return Buffer.from(hkdfSync('sha256', bytes, '', context, 32));
}
