import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { z } from 'zod';
import type { Mode } from '../entities.ts';
import { plainText } from '../plain-text.ts';
import type { Transaction } from '../tenant.ts';

export const endpointModeSchema = z.enum(['test', 'live']).meta({
  description: 'A test key manages test endpoints only; a live key manages both.',
  example: 'test',
});

/** The text as it came: `allowed-url.ts` judges it. */
export const urlSchema = z.string().min(1).max(2048).meta({
  description: 'A public https address on port 443, without user, password or fragment',
  example: 'https://hooks.hotel.example/centra',
});

export const descriptionSchema = plainText(200).meta({ description: 'Shown to staff' });

const shape = {
  id: z.string().meta({ example: 'we_01jd0000000000000000000000' }),
  object: z.literal('webhook_endpoint'),
  mode: endpointModeSchema,
  url: z.string(),
  description: z.string().nullable(),
  events: z.array(z.string()),
  enabled: z.boolean().meta({ description: 'False: nothing is delivered' }),
  secrets: z
    .array(
      z.object({
        last4: z.string(),
        created_at: z.iso.datetime(),
        expires_at: z.iso.datetime().nullable().meta({ description: 'Null for the current one' }),
      }),
    )
    .meta({ description: 'Those that sign now, the newest first; at most two' }),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
};

/** A webhook endpoint as it is shown. */
export const webhookEndpointSchema = z
  .object(shape)
  .meta({ id: 'WebhookEndpoint', description: 'Where a merchant is told what happens to its payments' });

/** The same with a new secret, this once. */
export const webhookEndpointWithSecretSchema = z
  .object({
    ...shape,
    secret: z.string().meta({ description: 'Verifies deliveries. Never shown again.', example: 'whsec_…' }),
  })
  .meta({ id: 'WebhookEndpointWithSecret' });

/** What of a secret may be shown. */
export type SecretRow = { endpoint_id: string; last4: string; created_ms: number; expires_ms: number | null };

/** A row of `webhook_endpoints` with the secrets that sign now. */
export type Endpoint = EndpointRow & { secrets: SecretRow[] };

export type EndpointRow = {
  id: string;
  mode: Mode;
  url: string;
  description: string | null;
  events: string[];
  enabled: boolean;
  created_ms: number;
  updated_ms: number;
  deleted: boolean;
};

export const ENDPOINT_COLUMNS = `id, mode, url, description, events, enabled, deleted_at is not null as deleted,
  (extract(epoch from created_at) * 1000)::float8 as created_ms, (extract(epoch from updated_at) * 1000)::float8 as updated_ms`;

/** The elements of a JSON array as an array of the database: a list in a parameter would be spelt out. */
export const TEXTS = 'array(select jsonb_array_elements_text(?::jsonb))';

/** The public form. */
export function toJson(endpoint: Endpoint): Record<string, unknown> {
  return {
    id: toPublicId('we', endpoint.id),
    object: 'webhook_endpoint',
    mode: endpoint.mode,
    url: endpoint.url,
    description: endpoint.description,
    events: endpoint.events,
    enabled: endpoint.enabled,
    secrets: endpoint.secrets.map((secret) => ({
      last4: secret.last4,
      created_at: new Date(secret.created_ms).toISOString(),
      expires_at: secret.expires_ms === null ? null : new Date(secret.expires_ms).toISOString(),
    })),
    created_at: new Date(endpoint.created_ms).toISOString(),
    updated_at: new Date(endpoint.updated_ms).toISOString(),
  };
}

/** The form for the history, which more people may read and which never forgets: many receivers have a token in the query. */
export function toAuditJson(endpoint: Endpoint): Record<string, unknown> {
  const url = new URL(endpoint.url);
  return { ...toJson(endpoint), url: `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}` };
}

/** The secrets that sign now, by endpoint, the newest first. */
export async function withSecrets(
  tx: Transaction,
  merchantId: string,
  rows: readonly EndpointRow[],
): Promise<Endpoint[]> {
  const secrets = await tx.execute<SecretRow[]>(
    `select endpoint_id, last4, (extract(epoch from created_at) * 1000)::float8 as created_ms,
            (extract(epoch from expires_at) * 1000)::float8 as expires_ms
       from webhook_endpoint_secrets
      where merchant_id = ? and endpoint_id = any(${TEXTS}::uuid[])
        and destroyed_at is null and (expires_at is null or expires_at > now())
      order by version desc`,
    [merchantId, JSON.stringify(rows.map(({ id }) => id))],
  );
  return rows.map((row) => ({ ...row, secrets: secrets.filter((each) => each.endpoint_id === row.id) }));
}

/** The endpoint that a path names, also a deleted one, when the caller may see it; anyone else's is 404 like none at all. */
export async function findEndpoint(tx: Transaction, identity: Identity, publicId: string): Promise<Endpoint> {
  const id = fromPublicId('we', publicId);
  const rows =
    id === undefined
      ? []
      : await tx.execute<EndpointRow[]>(
          `select ${ENDPOINT_COLUMNS} from webhook_endpoints where merchant_id = ? and id = ?`,
          [identity.merchantId, id],
        );
  const [found] = await withSecrets(tx, identity.merchantId, rows);
  if (found === undefined || (identity.mode === 'test' && found.mode === 'live'))
    throw new AppError('not_found');
  return found;
}

/** The same, when it is not deleted. */
export async function requireEndpoint(
  tx: Transaction,
  identity: Identity,
  publicId: string,
): Promise<Endpoint> {
  const found = await findEndpoint(tx, identity, publicId);
  if (found.deleted) throw new AppError('not_found');
  return found;
}
