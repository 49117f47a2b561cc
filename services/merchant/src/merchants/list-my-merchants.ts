import type { Request, Response } from 'express';
import { contextOf, parseWith, queryOf, userOf } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { shortMerchantSchema, toShortJson } from '../organisations/list-organisation-merchants.ts';
import type { ShortMerchantRow } from '../organisations/list-organisation-merchants.ts';
import { cursorSchema, pageShape } from '../page.ts';
import { acrossMerchants } from '../tenant.ts';
import { listMembershipsOf } from './memberships.ts';

export const myMerchantSchema = shortMerchantSchema
  .extend({
    role: z.string().meta({ description: 'The person’s role there', example: 'owner' }),
    suspended: z.boolean().meta({ description: 'The person or the hotel; nothing may be done there' }),
  })
  .meta({ id: 'MyMerchant' });

export const listMyMerchantsSchema = z.strictObject(pageShape);
const placeSchema = z.object({ cursor: cursorSchema('mer') });

/** GET /v1/merchants: the hotels that the person works at. Who works where, auth says; what a hotel is, this service. */
export async function listMyMerchants(context: Context, request: Request, response: Response): Promise<void> {
  const query = parseWith(listMyMerchantsSchema, queryOf(request));
  const { cursor } = parseWith(placeSchema, query);
  const { memberships, hasMore } = await listMembershipsOf(context, contextOf(request).requestId, {
    userId: userOf(request).userId,
    limit: query.limit,
    afterMerchantId: cursor ?? '',
  });
  const hotels = await hotelsOf(
    context,
    memberships.map(({ merchantId }) => merchantId),
  );
  const last = memberships.at(-1);
  response.json({
    // A hotel that is known to auth alone has nothing to show here.
    data: memberships.flatMap(({ merchantId, role, suspended }) => {
      const hotel = hotels.get(merchantId);
      return hotel === undefined ? [] : [{ ...toShortJson(hotel), role, suspended }];
    }),
    has_more: hasMore,
    next_cursor:
      hasMore && last !== undefined
        ? Buffer.from(toPublicId('mer', last.merchantId)).toString('base64url')
        : null,
  });
}

async function hotelsOf(context: Context, ids: readonly string[]): Promise<Map<string, ShortMerchantRow>> {
  if (ids.length === 0) return new Map();
  const rows = await acrossMerchants(context, (tx) =>
    tx.execute<ShortMerchantRow[]>(
      `select merchant_id, name, state, organisation_id from merchants
        where merchant_id in (select jsonb_array_elements_text(?::jsonb)::uuid)`,
      [JSON.stringify(ids)],
    ),
  );
  return new Map(rows.map((row) => [row.merchant_id, row]));
}
