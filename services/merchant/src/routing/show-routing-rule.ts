import type { Request, Response } from 'express';
import { identityOf } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { readAsMerchant } from '../tenant.ts';
import { requireRule, toJson } from './routing-rule.ts';

/** GET /v1/routing-rules/:id */
export async function showRoutingRule(context: Context, request: Request, response: Response): Promise<void> {
  const identity = identityOf(request);
  const found = await readAsMerchant(
    context,
    identity.merchantId,
    async (tx) => await requireRule(tx, identity, String(request.params['id'])),
  );
  response.json(toJson(found));
}
