import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant } from '../tenant.ts';
import { lockStanding, moveMerchant } from './merchant-state.ts';
import { missingOf } from './missing.ts';
import { loadMerchant, ownMerchantId, toJson } from './stored-merchant.ts';

/**
 * POST /v1/merchants/:id/submit: a draft that lacks nothing waits for the operator from now on. Repeated, it answers the
 * same; 409 `onboarding_incomplete` names what is missing.
 */
export async function submitMerchant(context: Context, request: Request, response: Response): Promise<void> {
  const merchantId = ownMerchantId(request);
  const submitted = await asMerchant(context, merchantId, async (tx) => {
    const standing = await lockStanding(tx, merchantId);
    const stored = await loadMerchant(tx, merchantId);
    const errors = missingOf(stored.settings, stored.takesMoney);
    if (standing.state === 'draft' && errors.length > 0)
      throw new AppError('onboarding_incomplete', { errors });
    // Letting in again what is suspended is not for its own people.
    if (standing.state === 'suspended')
      throw new AppError('state_conflict', { detail: 'This hotel is suspended.' });
    const wish = { to: 'submitted', reason: null } as const;
    const moved = await moveMerchant(tx, actorOf(request), merchantId, standing, wish);
    return moved ? await loadMerchant(tx, merchantId) : stored;
  });
  response.json(toJson(submitted));
}
