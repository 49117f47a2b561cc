import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { asPerson } from '../tenant.ts';
import { openOrganisation, personOf, toJson } from './organisation.ts';

/** GET /v1/organisations/:id: for its owners; 404 for everybody else. */
export async function showOrganisation(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const publicId = String(request.params['id']);
  response.json(toJson(await asPerson(context, personOf(request), (tx) => openOrganisation(tx, publicId))));
}
