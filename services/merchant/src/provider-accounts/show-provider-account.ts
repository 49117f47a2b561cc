import type { Request, Response } from 'express';
import { identityOf } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { readAsMerchant } from '../tenant.ts';
import { requireAccount, toJson } from './provider-account.ts';

/** GET /v1/provider-accounts/:id. A deleted account still answers, with its status. */
export async function showProviderAccount(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const identity = identityOf(request);
  const found = await readAsMerchant(context, identity.merchantId, (tx) =>
    requireAccount(tx, identity, String(request.params['id'])),
  );
  response.json(toJson(found));
}
