import type {
  RotateDataKeyRequest,
  RotateDataKeyResponse,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { merchantIdSchema } from '../merchants/merchant.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { addDataKey } from './data-key.ts';

const requestSchema = z.strictObject({ merchantId: merchantIdSchema });

/**
 * An operator's word that a hotel's data key is to be replaced now; the loop seals again and destroys. `not_found` for an unknown
 * hotel, `unavailable` while the master key cannot be reached.
 */
export async function rotateDataKey(
  context: Context,
  request: RotateDataKeyRequest,
  call: CallContext,
): Promise<RotateDataKeyResponse> {
  const { merchantId } = parseWith(requestSchema, request);
  const before = await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    return await newestVersion(tx);
  });
  const by = { actor: `service:${call.caller}`, address: call.address, requestId: call.requestId };
  await addDataKey(context, merchantId, before + 1, by);
  const version = await asMerchant(context, merchantId, newestVersion);
  if (version <= before) throw new AppError('internal', { internal: 'the data key was not added' });
  return { version };
}

async function newestVersion(tx: Transaction): Promise<number> {
  const [row] = await tx.execute<{ version: number }[]>(
    'select coalesce(max(version), 0) as version from data_keys where merchant_id = centra_tenant()',
  );
  return row?.version ?? 0;
}
