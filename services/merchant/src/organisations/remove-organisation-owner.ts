import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asPerson } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { openOrganisation, personActorOf, personOf, recordOrganisationEvent } from './organisation.ts';

/**
 * DELETE /v1/organisations/:id/owners/:user: also oneself. 404 for somebody who is no owner; 409 `last_owner` for the only
 * one. The person's roles at the hotels stay as they are.
 */
export async function removeOrganisationOwner(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const userId = fromPublicId('usr', String(request.params['user']));
  await asPerson(context, personOf(request), async (tx) => {
    // The lock of the organisation decides between two owners who remove each other.
    const { organisation_id: id } = await openOrganisation(tx, String(request.params['id']));
    if (userId === undefined) throw new AppError('not_found');
    await deleteOwner(tx, id, userId);
    const objectId = toPublicId('usr', userId);
    await recordOrganisationEvent(tx, personActorOf(request), {
      organisationId: id,
      action: 'organisation.owner_removed',
      objectId,
      before: { user_id: objectId },
    });
  });
  response.status(204).end();
}

async function deleteOwner(tx: Transaction, organisationId: string, userId: string): Promise<void> {
  const owners = await tx.execute<{ user_id: string }[]>(
    'select user_id from organisation_owners where organisation_id = ?',
    [organisationId],
  );
  if (!owners.some((owner) => owner.user_id === userId)) throw new AppError('not_found');
  if (owners.length === 1)
    throw new AppError('last_owner', {
      detail: 'An organisation needs an owner. Make somebody else an owner first.',
    });
  await tx.execute('delete from organisation_owners where organisation_id = ? and user_id = ?', [
    organisationId,
    userId,
  ]);
}
