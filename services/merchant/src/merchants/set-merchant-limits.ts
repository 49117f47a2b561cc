import type { Merchant, SetMerchantLimitsRequest } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { findMerchant, merchantIdSchema } from './merchant.ts';

// The gateway's windows per hotel; `merchant_limits` checks them too.
const LIMIT_NAMES = ['payments', 'payments-hour', 'default', 'admin'] as const;
// What the gateway's own table allows.
const QUOTA_MAX = 1_000_000;

const requestSchema = z.strictObject({
  merchantId: merchantIdSchema,
  limits: z
    .array(z.strictObject({ name: z.enum(LIMIT_NAMES), quota: z.int().min(1).max(QUOTA_MAX) }))
    .max(LIMIT_NAMES.length)
    .refine((limits) => new Set(limits.map(({ name }) => name)).size === limits.length, 'names one twice'),
});

/** Gives a hotel exactly these limits of its own; `not_found` when it is not registered. What changes is in its history. */
export async function setMerchantLimits(
  context: Context,
  request: SetMerchantLimitsRequest,
  call: CallContext,
): Promise<Merchant> {
  const { merchantId, limits } = parseWith(requestSchema, request);
  return await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const before = await storedMerchant(tx, merchantId);
    await replaceLimits(tx, merchantId, limits);
    const after = await storedMerchant(tx, merchantId);
    if (JSON.stringify(after.limits) !== JSON.stringify(before.limits))
      await recordAuditEvent(
        tx,
        { actor: `service:${call.caller}`, address: call.address, requestId: call.requestId },
        {
          merchantId,
          action: 'merchant.limits_changed',
          objectId: toPublicId('mer', merchantId),
          before: { limits: before.limits },
          after: { limits: after.limits },
        },
      );
    return after;
  });
}

async function storedMerchant(tx: Transaction, merchantId: string): Promise<Merchant> {
  const merchant = await findMerchant(tx, merchantId);
  if (merchant === undefined) throw new Error('the merchant that is locked is not there');
  return merchant;
}

async function replaceLimits(
  tx: Transaction,
  merchantId: string,
  limits: readonly { name: string; quota: number }[],
): Promise<void> {
  await tx.execute('delete from merchant_limits where merchant_id = ?', [merchantId]);
  await tx.execute(
    `insert into merchant_limits (merchant_id, name, quota)
     select ?::uuid, name, quota from jsonb_to_recordset(?::jsonb) as own (name text, quota integer)`,
    [merchantId, JSON.stringify(limits)],
  );
}
