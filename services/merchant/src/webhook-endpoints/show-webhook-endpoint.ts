import type { Request, Response } from 'express';
import { identityOf } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { readAsMerchant } from '../tenant.ts';
import { requireEndpoint, toJson } from './webhook-endpoint.ts';

/** GET /v1/webhook-endpoints/:id */
export async function showWebhookEndpoint(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const identity = identityOf(request);
  const found = await readAsMerchant(context, identity.merchantId, (tx) =>
    requireEndpoint(tx, identity, String(request.params['id'])),
  );
  response.json(toJson(found));
}
