import type { Request, Response } from 'express';
import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import type { Mode } from '../entities.ts';
import { cursorSchema, pageShape, toPage } from '../page.ts';
import { modeOf } from '../provider-accounts/provider-account.ts';
import { readAsMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { ENDPOINT_COLUMNS, endpointModeSchema, toJson, withSecrets } from './webhook-endpoint.ts';
import type { Endpoint, EndpointRow } from './webhook-endpoint.ts';

export const listWebhookEndpointsSchema = z.strictObject({
  ...pageShape,
  mode: endpointModeSchema
    .optional()
    .meta({ description: 'Only endpoints of this mode. A live key sees both without it.' }),
});

/** GET /v1/webhook-endpoints: newest first. */
export async function listWebhookEndpoints(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const { limit, cursor, mode: asked } = parseWith(listWebhookEndpointsSchema, queryOf(request));
  const { cursor: after } = parseWith(z.object({ cursor: cursorSchema('we') }), { cursor });
  const identity = identityOf(request);
  const mode = identity.mode === 'live' && asked === undefined ? undefined : modeOf(identity, asked);
  const found = await readAsMerchant(context, identity.merchantId, (tx) =>
    loadPage(tx, identity.merchantId, { limit, mode, after }),
  );
  response.json(toPage(found, limit, 'we', { idOf: ({ id }) => id, toJson }));
}

type Wanted = { limit: number; mode: Mode | undefined; after: string | undefined };

async function loadPage(tx: Transaction, merchantId: string, wanted: Wanted): Promise<Endpoint[]> {
  const { mode = null, after = null } = wanted;
  const rows = await tx.execute<EndpointRow[]>(
    `select ${ENDPOINT_COLUMNS} from webhook_endpoints
      where merchant_id = ? and deleted_at is null
        and (?::text is null or mode = ?) and (?::uuid is null or id < ?)
      -- Ids sort by time. One more than asked tells whether there is a next page.
      order by id desc limit ?`,
    [merchantId, mode, mode, after, after, wanted.limit + 1],
  );
  return await withSecrets(tx, merchantId, rows);
}
