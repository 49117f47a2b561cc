import type { Request, Response } from 'express';
import { parseWith, queryOf } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { CHAINED_COLUMNS, chainedEntrySchema, toChainedJson } from '../audit/chained-row.ts';
import type { ChainedRow } from '../audit/chained-row.ts';
import type { Context } from '../context.ts';
import { numberCursorSchema, pageShape, toPageBy } from '../page.ts';
import { asPerson } from '../tenant.ts';
import { openOrganisation, personOf } from './organisation.ts';

export const organisationEntrySchema = chainedEntrySchema.meta({
  id: 'OrganisationAuditEntry',
  description: 'One entry of an organisation’s history',
});

export const listOrganisationAuditLogSchema = z.strictObject(pageShape);
const placeSchema = z.object({ cursor: numberCursorSchema });

/** GET /v1/organisations/:id/audit-log: who changed it, newest first. Its hotels' histories are read at the hotels. */
export async function listOrganisationAuditLog(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const query = parseWith(listOrganisationAuditLogSchema, queryOf(request));
  const { cursor } = parseWith(placeSchema, query);
  const rows = await asPerson(context, personOf(request), async (tx) => {
    const { organisation_id: id } = await openOrganisation(tx, String(request.params['id']));
    return await tx.execute<ChainedRow[]>(
      `select ${CHAINED_COLUMNS} from organisation_events
        where organisation_id = ? and (?::bigint is null or seq < ?::bigint)
        order by seq desc limit ?`,
      [id, cursor ?? null, cursor ?? null, query.limit + 1],
    );
  });
  response.json(toPageBy(rows, query.limit, { placeOf: (row) => row.sequence, toJson: toChainedJson }));
}
