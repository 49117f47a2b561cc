import type { GetMerchantRequest, Merchant } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { readAsMerchant } from '../tenant.ts';
import { findMerchant, merchantIdSchema } from './merchant.ts';

const requestSchema = z.strictObject({ merchantId: merchantIdSchema });

/** One hotel; `not_found` when it is not registered. */
export async function getMerchant(context: Context, request: GetMerchantRequest): Promise<Merchant> {
  const { merchantId } = parseWith(requestSchema, request);
  const merchant = await readAsMerchant(context, merchantId, (tx) => findMerchant(tx, merchantId));
  if (merchant === undefined) throw new AppError('not_found');
  return merchant;
}
