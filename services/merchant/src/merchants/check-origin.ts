import type { CheckOriginRequest, CheckOriginResponse } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { acrossMerchants } from '../tenant.ts';
import { merchantIdSchema } from './merchant.ts';

const requestSchema = z.strictObject({
  // Whatever a browser sends as Origin; a longer text is nobody's.
  origin: z.string().max(2048),
  merchantId: z.union([z.literal(''), merchantIdSchema]),
});

/** Whether the origin is the hotel's own, or, with no hotel named, anyone's. One index look-up. */
export async function checkOrigin(
  context: Context,
  request: CheckOriginRequest,
): Promise<CheckOriginResponse> {
  const { origin, merchantId } = parseWith(requestSchema, request);
  const rows = await acrossMerchants(context, (tx) =>
    merchantId === ''
      ? tx.execute<unknown[]>('select 1 from merchant_origins where origin = ? limit 1', [origin])
      : tx.execute<unknown[]>('select 1 from merchant_origins where merchant_id = ? and origin = ?', [
          merchantId,
          origin,
        ]),
  );
  return { allowed: rows.length > 0 };
}
