import type { Request, Response } from 'express';
import { parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { deliverAccessNow } from '../access/deliver-access.ts';
import type { Context } from '../context.ts';
import { plainText } from '../plain-text.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant } from '../tenant.ts';
import { lockStanding, moveMerchant } from './merchant-state.ts';
import { loadMerchant, ownMerchantId, toJson } from './stored-merchant.ts';

export const closeMerchantSchema = z
  .strictObject({ reason: plainText(500).meta({ description: 'For the history' }) })
  .meta({ id: 'CloseMerchant' });

/**
 * POST /v1/merchants/:id/close: for good. Nobody and no key may do anything at the hotel any more, within seconds; what is
 * under way with its providers is still finished. Repeated, it answers the same.
 */
export async function closeMerchant(context: Context, request: Request, response: Response): Promise<void> {
  const merchantId = ownMerchantId(request);
  const { reason } = parseWith(closeMerchantSchema, request.body);
  const closed = await asMerchant(context, merchantId, async (tx) => {
    const standing = await lockStanding(tx, merchantId);
    await moveMerchant(tx, actorOf(request), merchantId, standing, { to: 'closed', reason });
    return await loadMerchant(tx, merchantId);
  });
  await deliverAccessNow(context, merchantId);
  response.json(toJson(closed));
}
