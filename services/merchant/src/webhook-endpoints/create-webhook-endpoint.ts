import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { newWebhookSecret } from '@centra/service-kit/webhook-signature.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import type { Mode } from '../entities.ts';
import { actorOf, modeOf } from '../provider-accounts/provider-account.ts';
import { currentDataKey } from '../sealing/data-key.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { addSecret } from './add-secret.ts';
import { requireAllowedUrl } from './allowed-url.ts';
import { eventsSchema } from './event-filter.ts';
import {
  TEXTS,
  descriptionSchema,
  endpointModeSchema,
  requireEndpoint,
  toAuditJson,
  toJson,
  urlSchema,
} from './webhook-endpoint.ts';

export const createWebhookEndpointSchema = z
  .strictObject({
    mode: endpointModeSchema.optional(),
    url: urlSchema,
    description: descriptionSchema.nullable().optional(),
    events: eventsSchema,
    enabled: z.boolean().optional().meta({ description: 'True when absent' }),
  })
  .meta({ id: 'CreateWebhookEndpoint' });

// A hotel has one for each of its systems; each costs a delivery for every event.
const ENDPOINTS_MAX = 20;

/** POST /v1/webhook-endpoints: its secret is in this answer and in none after it. */
export async function createWebhookEndpoint(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const body = parseWith(createWebhookEndpointSchema, request.body);
  const identity = identityOf(request);
  const { merchantId } = identity;
  const mode = modeOf(identity, body.mode);
  const url = await requireAllowedUrl(context, body.url);
  const dataKey = await currentDataKey(context, merchantId);
  const secret = newWebhookSecret();
  const endpointId = newUuid();
  const publicId = toPublicId('we', endpointId);
  const created = await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    await requireRoom(tx, merchantId, mode);
    await insertEndpoint(tx, { merchantId, id: endpointId, mode, url }, body);
    await addSecret(tx, dataKey, { merchantId, endpointId }, secret, 0);
    const endpoint = await requireEndpoint(tx, identity, publicId);
    const after = toAuditJson(endpoint);
    const action = 'webhook_endpoint.created';
    await recordAuditEvent(tx, actorOf(request), { merchantId, action, objectId: publicId, after });
    return endpoint;
  });
  response
    .status(201)
    .location(`/v1/webhook-endpoints/${publicId}`)
    .json({ ...toJson(created), secret: secret.reveal() });
}

async function requireRoom(tx: Transaction, merchantId: string, mode: Mode): Promise<void> {
  const [row] = await tx.execute<{ count: number }[]>(
    `select count(*)::int as count from webhook_endpoints
      where merchant_id = ? and mode = ? and deleted_at is null`,
    [merchantId, mode],
  );
  if (row === undefined || row.count >= ENDPOINTS_MAX)
    throw new AppError('state_conflict', {
      detail: `A merchant has at most ${ENDPOINTS_MAX} webhook endpoints in ${mode} mode.`,
    });
}

async function insertEndpoint(
  tx: Transaction,
  { merchantId, id, mode, url }: { merchantId: string; id: string; mode: Mode; url: string },
  body: z.infer<typeof createWebhookEndpointSchema>,
): Promise<void> {
  await tx.execute(
    `insert into webhook_endpoints (merchant_id, id, mode, url, description, events, enabled)
     values (?, ?, ?, ?, ?, ${TEXTS}, ?)`,
    [merchantId, id, mode, url, body.description ?? null, JSON.stringify(body.events), body.enabled ?? true],
  );
}
