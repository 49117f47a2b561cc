import type { Request, Response } from 'express';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant, lockMerchant, readAsMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { requireAllowedUrl } from './allowed-url.ts';
import { eventsSchema } from './event-filter.ts';
import {
  TEXTS,
  descriptionSchema,
  requireEndpoint,
  toAuditJson,
  toJson,
  urlSchema,
} from './webhook-endpoint.ts';
import type { Endpoint } from './webhook-endpoint.ts';

export const updateWebhookEndpointSchema = z
  .strictObject({
    url: urlSchema.optional(),
    description: descriptionSchema.nullable().optional(),
    events: eventsSchema.optional(),
    enabled: z.boolean().optional(),
  })
  .meta({
    id: 'UpdateWebhookEndpoint',
    description: 'What is left out stays; `events` are replaced as a whole.',
  });

type Change = z.infer<typeof updateWebhookEndpointSchema>;

/** POST /v1/webhook-endpoints/:id */
export async function updateWebhookEndpoint(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const change = parseWith(updateWebhookEndpointSchema, request.body);
  const identity = identityOf(request);
  const { merchantId } = identity;
  const objectId = String(request.params['id']);
  // First whether it is there at all: no name is looked up for somebody else's endpoint.
  const found = await readAsMerchant(context, merchantId, (tx) => requireEndpoint(tx, identity, objectId));
  if (Object.keys(change).length === 0) {
    response.json(toJson(found));
    return;
  }
  const url = change.url === undefined ? undefined : await requireAllowedUrl(context, change.url);
  const updated = await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const before = await requireEndpoint(tx, identity, objectId);
    await writeChange(tx, merchantId, before, { ...change, url });
    const after = await requireEndpoint(tx, identity, objectId);
    await recordAuditEvent(tx, actorOf(request), {
      merchantId,
      action: 'webhook_endpoint.updated',
      objectId,
      before: toAuditJson(before),
      after: toAuditJson(after),
    });
    return after;
  });
  response.json(toJson(updated));
}

async function writeChange(
  tx: Transaction,
  merchantId: string,
  before: Endpoint,
  change: Change,
): Promise<void> {
  await tx.execute(
    `update webhook_endpoints
        set url = ?, description = ?, events = ${TEXTS}, enabled = ?, updated_at = now()
      where merchant_id = ? and id = ?`,
    [
      change.url ?? before.url,
      change.description === undefined ? before.description : change.description,
      JSON.stringify(change.events ?? before.events),
      change.enabled ?? before.enabled,
      merchantId,
      before.id,
    ],
  );
}
