import type { Request, Response } from 'express';
import { parseWith, queryOf } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { cursorSchema, pageShape, toPage } from '../page.ts';
import { asPerson } from '../tenant.ts';
import { openOrganisation, personOf } from './organisation.ts';

export const ownerSchema = z
  .object({
    user_id: z.string().meta({ example: 'usr_01jd0000000000000000000000' }),
    added_at: z.iso.datetime(),
  })
  .meta({ id: 'OrganisationOwner' });

export type OwnerRow = { user_id: string; added_ms: number };
export const OWNER_COLUMNS = `user_id, (extract(epoch from added_at) * 1000)::float8 as added_ms`;

/** The public form. */
export function toOwnerJson(row: OwnerRow): z.infer<typeof ownerSchema> {
  return { user_id: toPublicId('usr', row.user_id), added_at: new Date(row.added_ms).toISOString() };
}

export const listOrganisationOwnersSchema = z.strictObject(pageShape);
const placeSchema = z.object({ cursor: cursorSchema('usr') });

/** GET /v1/organisations/:id/owners: the newest people first. */
export async function listOrganisationOwners(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const query = parseWith(listOrganisationOwnersSchema, queryOf(request));
  const { cursor } = parseWith(placeSchema, query);
  const rows = await asPerson(context, personOf(request), async (tx) => {
    const { organisation_id: id } = await openOrganisation(tx, String(request.params['id']));
    return await tx.execute<OwnerRow[]>(
      `select ${OWNER_COLUMNS} from organisation_owners
        where organisation_id = ? and (?::uuid is null or user_id < ?::uuid)
        order by user_id desc limit ?`,
      [id, cursor ?? null, cursor ?? null, query.limit + 1],
    );
  });
  response.json(toPage(rows, query.limit, 'usr', { idOf: (row) => row.user_id, toJson: toOwnerJson }));
}
