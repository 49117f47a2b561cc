import type { Request, Response } from 'express';
import { identityOf } from '@centra/service-kit/http.ts';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import { endSecrets } from './add-secret.ts';
import { findEndpoint, toAuditJson } from './webhook-endpoint.ts';

/** DELETE /v1/webhook-endpoints/:id: nothing is sent there any more, and its secrets end. Repeated, it answers the same. */
export async function deleteWebhookEndpoint(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const identity = identityOf(request);
  const { merchantId } = identity;
  const objectId = String(request.params['id']);
  await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const found = await findEndpoint(tx, identity, objectId);
    if (found.deleted) return;
    await tx.execute(
      'update webhook_endpoints set deleted_at = now(), updated_at = now() where merchant_id = ? and id = ?',
      [merchantId, found.id],
    );
    await endSecrets(tx, merchantId, found.id, 0);
    const before = toAuditJson(found);
    const action = 'webhook_endpoint.deleted';
    await recordAuditEvent(tx, actorOf(request), { merchantId, action, objectId, before });
  });
  response.status(204).end();
}
