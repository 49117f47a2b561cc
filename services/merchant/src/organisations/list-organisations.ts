import type { Request, Response } from 'express';
import { parseWith, queryOf } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { cursorSchema, pageShape, toPage } from '../page.ts';
import { asPerson } from '../tenant.ts';
import { ORGANISATION_COLUMNS, personOf, toJson } from './organisation.ts';
import type { OrganisationRow } from './organisation.ts';

export const listOrganisationsSchema = z.strictObject(pageShape);
const placeSchema = z.object({ cursor: cursorSchema('org') });

/** GET /v1/organisations: those that the person owns, newest first. */
export async function listOrganisations(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const query = parseWith(listOrganisationsSchema, queryOf(request));
  const { cursor } = parseWith(placeSchema, query);
  const userId = personOf(request);
  const rows = await asPerson(context, userId, (tx) =>
    tx.execute<OrganisationRow[]>(
      `select ${ORGANISATION_COLUMNS} from organisations
        where organisation_id in (select organisation_id from organisation_owners where user_id = ?)
          and (?::uuid is null or organisation_id < ?::uuid)
        order by organisation_id desc limit ?`,
      [userId, cursor ?? null, cursor ?? null, query.limit + 1],
    ),
  );
  response.json(toPage(rows, query.limit, 'org', { idOf: (row) => row.organisation_id, toJson }));
}
