import type { Request, Response } from 'express';
import { identityOf } from '@centra/service-kit/http.ts';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { drainActiveVersion } from './drain-version.ts';
import { actorOf, requireAccount, toJson } from './provider-account.ts';

/**
 * DELETE /v1/provider-accounts/:id: chosen for no new payment from now on; operations under way finish with it until it
 * has drained. Repeated, it answers the same. No other account becomes the default by itself: where money goes is the
 * hotel's decision.
 */
export async function deleteProviderAccount(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const identity = identityOf(request);
  const { merchantId } = identity;
  const publicId = String(request.params['id']);
  const deleted = await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const found = await requireAccount(tx, identity, publicId);
    if (found.account.status === 'deleted') return toJson(found);
    const before = toJson(found);
    await markDeleted(tx, context.config.drainHours, merchantId, found.account.id);
    const after = toJson(await requireAccount(tx, identity, publicId));
    const action = 'provider_account.deleted';
    await recordAuditEvent(tx, actorOf(request), { merchantId, action, objectId: publicId, before, after });
    return after;
  });
  response.json(deleted);
}

async function markDeleted(
  tx: Transaction,
  drainHours: number,
  merchantId: string,
  id: string,
): Promise<void> {
  await tx.execute(
    `update provider_accounts set status = 'deleted', is_default = false, deleted_at = now(), updated_at = now()
      where merchant_id = ? and id = ?`,
    [merchantId, id],
  );
  await drainActiveVersion(tx, drainHours, merchantId, id);
}
