import { MerchantVerdict } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { Merchant, ReviewMerchantRequest } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { deliverAccessNow } from '../access/deliver-access.ts';
import type { Context } from '../context.ts';
import { plainText } from '../plain-text.ts';
import { asMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { findMerchant, merchantIdSchema } from './merchant.ts';
import { lockStanding, moveMerchant } from './merchant-state.ts';
import type { Wish } from './merchant-state.ts';

const { MERCHANT_VERDICT_VERIFY, MERCHANT_VERDICT_RETURN, MERCHANT_VERDICT_SUSPEND } = MerchantVerdict;
const { MERCHANT_VERDICT_RESTORE, MERCHANT_VERDICT_CLOSE } = MerchantVerdict;

const common = {
  merchantId: merchantIdSchema,
  // As auth keeps it too: a kind and a name.
  actor: z
    .string()
    .max(200)
    .regex(/^[a-z_]+:[\x21-\x7e]+$/, 'must be a kind and a name, such as operator:jane'),
};
const requestSchema = z.union([
  z.strictObject({
    ...common,
    verdict: z.union([z.literal(MERCHANT_VERDICT_VERIFY), z.literal(MERCHANT_VERDICT_RESTORE)]),
    reason: z.union([z.literal(''), plainText(500)]),
  }),
  z.strictObject({
    ...common,
    verdict: z.union([
      z.literal(MERCHANT_VERDICT_RETURN),
      z.literal(MERCHANT_VERDICT_SUSPEND),
      z.literal(MERCHANT_VERDICT_CLOSE),
    ]),
    reason: plainText(500),
  }),
]);

/**
 * The operator's verdict on a hotel; repeated, it answers the same. `not_found` for an unknown one, `state_conflict` for a
 * move that its state does not allow. What a verdict means for access is told to auth at once, or as soon as it can be.
 */
export async function reviewMerchant(
  context: Context,
  request: ReviewMerchantRequest,
  call: CallContext,
): Promise<Merchant> {
  const { merchantId, verdict, reason, actor } = parseWith(requestSchema, request);
  refuseCardData({ reason });
  const by = { actor, address: call.address, requestId: call.requestId };
  const merchant = await asMerchant(context, merchantId, async (tx) => {
    const standing = await lockStanding(tx, merchantId);
    refuseOutOfTurn(verdict, standing.state);
    await moveMerchant(tx, by, merchantId, standing, {
      to: WISHES[verdict],
      reason: reason === '' ? null : reason,
    });
    return await storedMerchant(tx, merchantId);
  });
  await deliverAccessNow(context, merchantId);
  return merchant;
}

type Verdict = z.infer<typeof requestSchema>['verdict'];

const WISHES = {
  [MERCHANT_VERDICT_VERIFY]: 'verified',
  [MERCHANT_VERDICT_RETURN]: 'draft',
  [MERCHANT_VERDICT_SUSPEND]: 'suspended',
  [MERCHANT_VERDICT_RESTORE]: 'restored',
  [MERCHANT_VERDICT_CLOSE]: 'closed',
} as const satisfies Record<Verdict, Wish['to']>;

/** Verifying and returning are about what was submitted; only RESTORE lets a suspended hotel in again. */
function refuseOutOfTurn(verdict: Verdict, state: string): void {
  const isAboutSubmitted = verdict === MERCHANT_VERDICT_VERIFY || verdict === MERCHANT_VERDICT_RETURN;
  if (isAboutSubmitted && state === 'suspended')
    throw new AppError('state_conflict', { detail: 'The hotel is suspended. Restore it first.' });
}

async function storedMerchant(tx: Transaction, merchantId: string): Promise<Merchant> {
  const merchant = await findMerchant(tx, merchantId);
  if (merchant === undefined) throw new Error('the merchant that is locked is not there');
  return merchant;
}
