import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { readAsMerchant } from '../tenant.ts';
import { loadMerchant, ownMerchantId, toJson } from './stored-merchant.ts';

/** GET /v1/merchants/:id: the credential's own hotel; any other is 404. */
export async function showMerchant(context: Context, request: Request, response: Response): Promise<void> {
  const merchantId = ownMerchantId(request);
  response.json(toJson(await readAsMerchant(context, merchantId, (tx) => loadMerchant(tx, merchantId))));
}
