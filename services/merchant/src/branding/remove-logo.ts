import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { lockStanding, requireOpen } from '../merchants/merchant-state.ts';
import { loadMerchant, ownMerchantId } from '../merchants/stored-merchant.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant } from '../tenant.ts';

/** DELETE /v1/merchants/:id/logo: 404 when there is none. */
export async function removeLogo(context: Context, request: Request, response: Response): Promise<void> {
  const merchantId = ownMerchantId(request);
  await asMerchant(context, merchantId, async (tx) => {
    requireOpen(await lockStanding(tx, merchantId));
    const { logo } = await loadMerchant(tx, merchantId);
    if (logo === null) throw new AppError('not_found');
    await tx.execute('delete from merchant_logos where merchant_id = ?', [merchantId]);
    await tx.execute('update merchants set updated_at = now() where merchant_id = ?', [merchantId]);
    await recordAuditEvent(tx, actorOf(request), {
      merchantId,
      action: 'merchant.logo_removed',
      objectId: toPublicId('mer', merchantId),
      before: { logo },
      after: { logo: null },
    });
  });
  response.status(204).end();
}
