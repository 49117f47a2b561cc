import { toPublicId } from '@centra/service-kit/ids.ts';
import { SCOPES } from '@centra/service-kit/permissions.ts';
import type { Scope } from '@centra/service-kit/permissions.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { defineEntity, p } from '@mikro-orm/core';
import type { InferEntity } from '@mikro-orm/core';
import { z } from 'zod';
import { allowedAddressesSchema } from './allowed-address.ts';
import type { Mode } from './key-text.ts';

export const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    merchantId: p.uuid().primary(),
    id: p.uuid().primary(),
    name: p.text(),
    mode: p.enum(['test', 'live'] as const),
    scopes: p.array().$type<Scope[]>(),
    // Lazy: never selected here. The role that reads may not see it, and only validation needs it.
    secretHash: p.blob().lazy(),
    last4: p.text(),
    createdAt: p.datetime().defaultRaw('now()'),
    createdBy: p.text(),
    expiresAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
    revokedBy: p.text().nullable(),
    lastValidatedAt: p.datetime().nullable(),
    allowedAddresses: p.array().$type<string[]>(),
    rotatedFrom: p.uuid().nullable(),
  },
});

/** A row as reads return it; the hash stays in the database. */
export type ApiKeyRow = Omit<InferEntity<typeof ApiKey>, 'secretHash'>;

// A control character would break a log line, and one that turns the writing direction could fake a name.
const nameSchema = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Bidi_Control}\u2028\u2029]*$/u, 'must not contain control characters')
  .meta({ description: 'For people, 1 to 100 characters', example: 'Booking engine' });

const scopesSchema = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .refine((scopes) => new Set(scopes).size === scopes.length, 'must not repeat a scope')
  .meta({ description: 'What the key may do', example: ['payments:read', 'payments:write'] });

const modeSchema = z
  .enum(['test', 'live'])
  .meta({ description: 'Whether money really moves', example: 'test' });

const timeSchema = z.iso.datetime({ offset: true });

export const createApiKeySchema = z
  .strictObject({
    name: nameSchema,
    scopes: scopesSchema.meta({
      description: 'What the key may do: nothing that whoever makes it may not do.',
      example: ['payments:read', 'payments:write'],
    }),
    mode: modeSchema.optional().meta({
      description: 'By default that of the credential that asks. Only a live one makes live keys.',
      example: 'test',
    }),
    expires_at: timeSchema.optional().meta({
      description: 'When the key stops working; in the future. Without it, never.',
      example: '2030-01-01T00:00:00Z',
    }),
    allowed_addresses: allowedAddressesSchema.optional(),
  })
  .meta({ id: 'CreateApiKey', description: 'A new API key' });

/** The operator's request, as protobuf carries it. */
export const createFirstApiKeySchema = z.strictObject({
  merchantId: z.uuid(),
  mode: modeSchema,
  name: nameSchema,
  scopes: scopesSchema,
  expiresAt: z.date().optional(),
});

const apiKeyFields = {
  id: z
    .string()
    .meta({ description: 'The key as an object; not the secret', example: 'key_01jd0000000000000000000000' }),
  name: nameSchema,
  mode: modeSchema,
  scopes: z.array(z.string()).meta({ description: 'What the key may do', example: ['payments:read'] }),
  last4: z
    .string()
    .meta({ description: 'The last four characters of the secret, to tell keys apart', example: 'x7Qa' }),
  created_at: timeSchema.meta({ example: '2026-01-01T00:00:00.000Z' }),
  created_by: z
    .string()
    .meta({ description: 'Who made it', example: 'api_key:key_01jd0000000000000000000000' }),
  expires_at: timeSchema.nullable().meta({ description: 'When it stops working; null for never' }),
  revoked_at: timeSchema.nullable().meta({ description: 'When it was revoked; null while it was not' }),
  last_used_at: timeSchema
    .nullable()
    .meta({ description: 'When it was last used, to about a minute; null when never. May lag by as much.' }),
  allowed_addresses: z.array(z.string()).meta({
    description: 'Addresses and networks that it may be used from; empty for anywhere',
    example: ['203.0.113.7'],
  }),
  rotated_from: z
    .string()
    .nullable()
    .meta({ description: 'The key that it took over from', example: 'key_01jd0000000000000000000000' }),
};

export const apiKeySchema = z
  .object(apiKeyFields)
  .meta({ id: 'ApiKey', description: 'An API key, without its secret' });

export const createdApiKeySchema = z
  .object({
    ...apiKeyFields,
    secret: z.string().meta({
      description: 'The key itself. It is shown this once and cannot be shown again.',
      example: 'ck_test_01jd0000000000000000000000_<43 characters>',
    }),
  })
  .meta({ id: 'CreatedApiKey', description: 'A new API key with its secret' });

/** The public form. */
export function toJson(key: ApiKeyRow): z.infer<typeof apiKeySchema> {
  return {
    id: toPublicId('key', key.id),
    name: key.name,
    mode: key.mode,
    scopes: key.scopes,
    last4: key.last4,
    created_at: key.createdAt.toISOString(),
    created_by: key.createdBy,
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    last_used_at: key.lastValidatedAt?.toISOString() ?? null,
    allowed_addresses: key.allowedAddresses,
    rotated_from: key.rotatedFrom ? toPublicId('key', key.rotatedFrom) : null,
  };
}

/**
 * The modes whose keys a credential may see and revoke. A live one also manages test keys, since it may make them; a
 * test one, which developers hand around, must not even learn which live keys exist.
 */
export function visibleModes(identity: Identity): Mode[] {
  return identity.mode === 'live' ? ['test', 'live'] : ['test'];
}
