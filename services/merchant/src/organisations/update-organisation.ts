import type { Request, Response } from 'express';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { asPerson } from '../tenant.ts';
import {
  openOrganisation,
  organisationBodySchema,
  personActorOf,
  personOf,
  recordOrganisationEvent,
  toJson,
} from './organisation.ts';

/** POST /v1/organisations/:id: gives it another name. */
export async function updateOrganisation(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const { name } = parseWith(organisationBodySchema, request.body);
  refuseCardData({ name });
  const publicId = String(request.params['id']);
  const renamed = await asPerson(context, personOf(request), async (tx) => {
    const row = await openOrganisation(tx, publicId);
    if (row.name === name) return row;
    const { organisation_id: organisationId } = row;
    await tx.execute('update organisations set name = ?, updated_at = now() where organisation_id = ?', [
      name,
      organisationId,
    ]);
    await recordOrganisationEvent(tx, personActorOf(request), {
      organisationId,
      action: 'organisation.renamed',
      objectId: publicId,
      before: { name: row.name },
      after: { name },
    });
    return { ...row, name };
  });
  response.json(toJson(renamed));
}
