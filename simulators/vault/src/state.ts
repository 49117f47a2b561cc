import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const transitKeySchema = z.strictObject({
  mount: z.string(),
  name: z.string(),
  derived: z.boolean(),
  /** Version to key (base64 of 32 bytes) and the second it was made. */
  versions: z.record(z.string(), z.strictObject({ key: z.string(), created: z.int() })),
  latest: z.int(),
  min_decryption: z.int(),
  min_encryption: z.int(),
  min_available: z.int(),
  deletion_allowed: z.boolean(),
  exportable: z.boolean(),
});
const tokenSchema = z.strictObject({
  id: z.string(),
  accessor: z.string(),
  policies: z.array(z.string()),
  type: z.enum(['service', 'batch']),
  renewable: z.boolean(),
  orphan: z.boolean(),
  path: z.string(),
  meta: z.record(z.string(), z.string()),
  /** Milliseconds on the simulator's clock; null never ends. */
  issued_at: z.number(),
  expires_at: z.number().nullable(),
  /** Past it no renewal helps; null has no such end. */
  ends_at: z.number().nullable(),
  ttl: z.int(),
  /** Seconds; 0 is not periodic. */
  period: z.int(),
});
const roleSchema = z.strictObject({
  mount: z.string(),
  name: z.string(),
  role_id: z.string(),
  bind_secret_id: z.boolean(),
  token_policies: z.array(z.string()),
  token_ttl: z.int(),
  token_max_ttl: z.int(),
  token_period: z.int(),
  token_type: z.enum(['service', 'batch']),
  secret_id_ttl: z.int(),
  secret_id_num_uses: z.int(),
});
const secretIdSchema = z.strictObject({
  id: z.string(),
  accessor: z.string(),
  mount: z.string(),
  role: z.string(),
  expires_at: z.number().nullable(),
  ttl: z.int(),
  /** Null: without limit. */
  uses_left: z.int().nullable(),
});
const stateSchema = z.strictObject({
  clock_offset_ms: z.number(),
  sealed: z.boolean(),
  /** Mount path to kind of secrets engine or of log-in. */
  mounts: z.record(z.string(), z.literal('transit')),
  auths: z.record(z.string(), z.literal('approle')),
  /** Name to text in HCL. */
  policies: z.record(z.string(), z.string()),
  keys: z.record(z.string(), transitKeySchema),
  tokens: z.record(z.string(), tokenSchema),
  roles: z.record(z.string(), roleSchema),
  secret_ids: z.record(z.string(), secretIdSchema),
  wrapped: z.record(z.string(), z.strictObject({ expires_at: z.number(), reply: z.unknown() })),
});

export type TransitKey = z.infer<typeof transitKeySchema>;
export type Token = z.infer<typeof tokenSchema>;
export type Role = z.infer<typeof roleSchema>;
export type SecretId = z.infer<typeof secretIdSchema>;
export type State = z.infer<typeof stateSchema>;

const FILE = 'vault.json';

/** What the folder holds, or a fresh server's state: nothing mounted but what every server has. */
export function readState(dataDir: string | undefined): State {
  if (dataDir === undefined) return emptyState();
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  try {
    return stateSchema.parse(JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return emptyState();
    throw new Error(`${FILE} cannot be read`, { cause: error });
  }
}

/** Puts the whole state on disk, in place of what was there. */
export function writeState(dataDir: string | undefined, state: State): void {
  if (dataDir === undefined) return;
  const path = join(dataDir, FILE);
  writeFileSync(`${path}.next`, JSON.stringify(state), { mode: 0o600, flush: true });
  renameSync(`${path}.next`, path);
}

function emptyState(): State {
  return {
    clock_offset_ms: 0,
    sealed: false,
    mounts: {},
    auths: {},
    policies: {},
    keys: {},
    tokens: {},
    roles: {},
    secret_ids: {},
    wrapped: {},
  };
}
