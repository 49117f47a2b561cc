import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Answer, Call } from '../http/endpoint.ts';
import { parseInput } from '../http/input.ts';
import { badRequest, nothingThere } from '../http/vault-error.ts';
import type { TransitKey } from '../state.ts';
import { encryptItem } from './cipher.ts';
import { addKey, findKey, keyNamed, rotateKey } from './transit-key.ts';

const newKeySchema = z.object({
  type: z.string().default('aes256-gcm96'),
  derived: z.boolean().default(false),
  exportable: z.boolean().default(false),
});

/** `POST /v1/:mount/keys/:name`: a key that is there stays as it is. */
export function createKey({ ctx, param, body }: Call): Answer {
  const { type, derived, exportable } = parseInput(newKeySchema, body);
  if (type !== 'aes256-gcm96') throw badRequest(`unknown key type ${type}`);
  const [mount, name] = [param('mount'), param('name')];
  return { data: keyJson(findKey(ctx, mount, name) ?? addKey(ctx, { mount, name, derived, exportable })) };
}

/** `GET /v1/:mount/keys/:name` */
export function readKey({ ctx, param }: Call): Answer {
  const key = findKey(ctx, param('mount'), param('name'));
  if (key === undefined) throw nothingThere();
  return { data: keyJson(key) };
}

/** `POST /v1/:mount/keys/:name/rotate` */
export function rotate({ ctx, param }: Call): Answer {
  const key = keyNamed(ctx, param('mount'), param('name'));
  rotateKey(ctx, key);
  return { data: keyJson(key) };
}

const configSchema = z.object({
  min_decryption_version: z.int().min(0).optional(),
  min_encryption_version: z.int().min(0).optional(),
  deletion_allowed: z.boolean().optional(),
  exportable: z.boolean().optional(),
});

/** `POST /v1/:mount/keys/:name/config` */
export function configureKey({ ctx, param, body }: Call): Answer {
  const key = keyNamed(ctx, param('mount'), param('name'));
  const wanted = parseInput(configSchema, body);
  const minDecryption = wanted.min_decryption_version ?? key.min_decryption;
  if (minDecryption > key.latest)
    throw badRequest(
      `cannot set min decryption version of ${minDecryption}, latest key version is ${key.latest}`,
    );
  const minEncryption = wanted.min_encryption_version ?? key.min_encryption;
  if (minEncryption > key.latest)
    throw badRequest(
      `cannot set min encryption version of ${minEncryption}, latest key version is ${key.latest}`,
    );
  if (minEncryption > 0 && minEncryption < minDecryption)
    throw badRequest(
      'cannot set min encryption/decryption values; min encryption version must be at least the min decryption version',
    );
  key.min_decryption = Math.max(1, minDecryption);
  key.min_encryption = minEncryption;
  key.deletion_allowed = wanted.deletion_allowed ?? key.deletion_allowed;
  key.exportable = key.exportable || (wanted.exportable ?? false);
  return { data: keyJson(key) };
}

const trimSchema = z.object({ min_available_version: z.int().min(1) });

/** `POST /v1/:mount/keys/:name/trim`: older versions are gone for good. */
export function trimKey({ ctx, param, body }: Call): Answer {
  const key = keyNamed(ctx, param('mount'), param('name'));
  const { min_available_version: from } = parseInput(trimSchema, body);
  if (key.min_encryption === 0)
    throw badRequest('minimum available version cannot be set when minimum encryption version is not set');
  if (from > key.min_decryption || from > key.min_encryption)
    throw badRequest(
      'minimum available version cannot be greater than minimum encryption or decryption version',
    );
  for (const version of Object.keys(key.versions)) if (Number(version) < from) delete key.versions[version];
  key.min_available = from;
  return { data: keyJson(key) };
}

/** `DELETE /v1/:mount/keys/:name` */
export function deleteKey({ ctx, param }: Call): void {
  const key = keyNamed(ctx, param('mount'), param('name'));
  if (!key.deletion_allowed) throw badRequest('deletion is not allowed for this key');
  delete ctx.state.keys[`${key.mount}/${key.name}`];
}

const dataKeySchema = z.object({
  bits: z.union([z.literal(128), z.literal(256), z.literal(512)]).default(256),
  context: z.string().optional(),
});

/** `POST /v1/:mount/datakey/:form/:name`: a new key, wrapped, and in the form `plaintext` also as it is. */
export function makeDataKey({ ctx, param, body }: Call): Answer {
  const form = param('form');
  if (form !== 'plaintext' && form !== 'wrapped')
    throw badRequest("Invalid path, must be 'plaintext' or 'wrapped'");
  const key = keyNamed(ctx, param('mount'), param('name'));
  const { bits, context } = parseInput(dataKeySchema, body);
  const plaintext = randomBytes(bits / 8).toString('base64');
  return {
    data: { ...encryptItem(key, { plaintext, context }), ...(form === 'plaintext' ? { plaintext } : {}) },
  };
}

function keyJson(key: TransitKey): Record<string, unknown> {
  return {
    name: key.name,
    type: 'aes256-gcm96',
    derived: key.derived,
    keys: Object.fromEntries(
      Object.entries(key.versions).map(([version, { created }]) => [version, created]),
    ),
    latest_version: key.latest,
    min_decryption_version: key.min_decryption,
    min_encryption_version: key.min_encryption,
    min_available_version: key.min_available,
    deletion_allowed: key.deletion_allowed,
    exportable: key.exportable,
    allow_plaintext_backup: false,
    auto_rotate_period: 0,
    supports_encryption: true,
    supports_decryption: true,
    supports_derivation: true,
    supports_signing: false,
    imported_key: false,
  };
}
