import type { Request, Response } from 'express';
import { parseWith, queryOf } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { STATES } from '../merchants/merchant-state.ts';
import type { State } from '../merchants/merchant-state.ts';
import { cursorSchema, pageShape, toPage } from '../page.ts';
import { asPerson } from '../tenant.ts';
import { openOrganisation, personOf } from './organisation.ts';

/** A hotel in a list. */
export const shortMerchantSchema = z
  .object({
    id: z.string().meta({ example: 'mer_01jd0000000000000000000000' }),
    name: z.string(),
    state: z.enum(STATES),
    organisation_id: z.string().nullable(),
  })
  .meta({ id: 'ShortMerchant' });

export type ShortMerchantRow = {
  merchant_id: string;
  name: string;
  state: State;
  organisation_id: string | null;
};

/** The public form. */
export function toShortJson(row: ShortMerchantRow): z.infer<typeof shortMerchantSchema> {
  return {
    id: toPublicId('mer', row.merchant_id),
    name: row.name,
    state: row.state,
    organisation_id: row.organisation_id === null ? null : toPublicId('org', row.organisation_id),
  };
}

export const listOrganisationMerchantsSchema = z.strictObject(pageShape);
const placeSchema = z.object({ cursor: cursorSchema('mer') });

/** GET /v1/organisations/:id/merchants: its hotels, newest first. Seeing them here gives no role at any. */
export async function listOrganisationMerchants(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const query = parseWith(listOrganisationMerchantsSchema, queryOf(request));
  const { cursor } = parseWith(placeSchema, query);
  const rows = await asPerson(context, personOf(request), async (tx) => {
    const { organisation_id: id } = await openOrganisation(tx, String(request.params['id']));
    return await tx.execute<ShortMerchantRow[]>(
      `select merchant_id, name, state, organisation_id from merchants
        where organisation_id = ? and (?::uuid is null or merchant_id < ?::uuid)
        order by merchant_id desc limit ?`,
      [id, cursor ?? null, cursor ?? null, query.limit + 1],
    );
  });
  response.json(toPage(rows, query.limit, 'mer', { idOf: (row) => row.merchant_id, toJson: toShortJson }));
}
