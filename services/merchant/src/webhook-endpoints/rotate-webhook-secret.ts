import type { Request, Response } from 'express';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { newWebhookSecret } from '@centra/service-kit/webhook-signature.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { currentDataKey } from '../sealing/data-key.ts';
import { asMerchant, lockMerchant, readAsMerchant } from '../tenant.ts';
import { addSecret } from './add-secret.ts';
import { requireEndpoint, toAuditJson, toJson } from './webhook-endpoint.ts';

// A week: whoever needs longer to put a secret in place has forgotten it.
const OVERLAP_MAX_SECONDS = 604_800;
const OVERLAP_SECONDS = 86_400;

export const rotateWebhookSecretSchema = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(OVERLAP_MAX_SECONDS)
      .default(OVERLAP_SECONDS)
      .meta({ description: 'How long the secret before signs as well; 0 ends it at once' }),
  })
  .meta({ id: 'RotateWebhookSecret' });

/**
 * POST /v1/webhook-endpoints/:id/rotate-secret: a new secret signs from now on, with the one before for a while. Any older
 * one ends at once, so that a rotation after a leak is not held up by one under way.
 */
export async function rotateWebhookSecret(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const { overlap_seconds: overlapSeconds } = parseWith(rotateWebhookSecretSchema, request.body);
  const identity = identityOf(request);
  const { merchantId } = identity;
  const objectId = String(request.params['id']);
  await readAsMerchant(context, merchantId, (tx) => requireEndpoint(tx, identity, objectId));
  const dataKey = await currentDataKey(context, merchantId);
  const secret = newWebhookSecret();
  const rotated = await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const before = await requireEndpoint(tx, identity, objectId);
    await addSecret(tx, dataKey, { merchantId, endpointId: before.id }, secret, overlapSeconds);
    const after = await requireEndpoint(tx, identity, objectId);
    await recordAuditEvent(tx, actorOf(request), {
      merchantId,
      action: 'webhook_endpoint.secret_rotated',
      objectId,
      before: toAuditJson(before),
      after: toAuditJson(after),
    });
    return after;
  });
  response.json({ ...toJson(rotated), secret: secret.reveal() });
}
