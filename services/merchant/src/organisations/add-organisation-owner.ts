import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { listMembershipsOf } from '../merchants/memberships.ts';
import { asPerson } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { openOrganisation, personActorOf, personOf, recordOrganisationEvent } from './organisation.ts';
import { OWNER_COLUMNS, toOwnerJson } from './list-organisation-owners.ts';
import type { OwnerRow } from './list-organisation-owners.ts';

export const addOwnerSchema = z
  .strictObject({ user_id: z.string().max(64).meta({ example: 'usr_01jd0000000000000000000000' }) })
  .meta({ id: 'AddOrganisationOwner' });

// People who decide over hotels together fit in a room.
const OWNERS_MAX = 50;
// A person at more hotels than this is a stranger's script; 10 pages of 100.
const PAGES_MAX = 10;

/**
 * POST /v1/organisations/:id/owners: makes somebody an owner who is owner or admin at one of its hotels; 404 for anybody
 * else, so that nobody finds out who has an account. Repeated, it answers the same. It gives no role at any hotel.
 */
export async function addOrganisationOwner(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const { user_id: publicUserId } = parseWith(addOwnerSchema, request.body);
  const userId = fromPublicId('usr', publicUserId);
  const publicId = String(request.params['id']);
  const person = personOf(request);
  const hotels = await asPerson(context, person, async (tx) => {
    const { organisation_id: id } = await openOrganisation(tx, publicId);
    return await hotelsOf(tx, id);
  });
  const isLeader =
    userId !== undefined && (await leadsOneOf(context, contextOf(request).requestId, publicUserId, hotels));
  if (!isLeader || userId === undefined)
    throw new AppError('not_found', {
      detail: 'Nobody of that id is owner or admin at a hotel of this organisation.',
    });
  const added = await asPerson(context, person, async (tx) => {
    const { organisation_id: id } = await openOrganisation(tx, publicId);
    return await insertOwner(tx, request, id, userId);
  });
  response.status(201).json(toOwnerJson(added));
}

async function hotelsOf(tx: Transaction, organisationId: string): Promise<Set<string>> {
  const rows = await tx.execute<{ merchant_id: string }[]>(
    'select merchant_id from merchants where organisation_id = ?',
    [organisationId],
  );
  return new Set(rows.map((row) => row.merchant_id));
}

async function leadsOneOf(
  context: Context,
  requestId: string,
  userId: string,
  hotels: ReadonlySet<string>,
): Promise<boolean> {
  let afterMerchantId = '';
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const wanted = { userId, limit: 100, afterMerchantId };
    const { memberships, hasMore } = await listMembershipsOf(context, requestId, wanted);
    const leads = memberships.some(
      ({ merchantId, role, suspended }) =>
        !suspended && (role === 'owner' || role === 'admin') && hotels.has(merchantId),
    );
    if (leads) return true;
    const last = memberships.at(-1);
    if (!hasMore || last === undefined) return false;
    afterMerchantId = last.merchantId;
  }
  return false;
}

async function insertOwner(
  tx: Transaction,
  request: Request,
  organisationId: string,
  userId: string,
): Promise<OwnerRow> {
  const inserted = await tx.execute<OwnerRow[]>(
    `insert into organisation_owners (organisation_id, user_id) values (?, ?)
     on conflict do nothing returning ${OWNER_COLUMNS}`,
    [organisationId, userId],
  );
  const [row] =
    inserted.length > 0
      ? inserted
      : await tx.execute<OwnerRow[]>(
          `select ${OWNER_COLUMNS} from organisation_owners where organisation_id = ? and user_id = ?`,
          [organisationId, userId],
        );
  if (row === undefined) throw new Error('the owner that was just stored is not there');
  if (inserted.length === 0) return row;
  await requireRoom(tx, organisationId);
  const objectId = toPublicId('usr', userId);
  await recordOrganisationEvent(tx, personActorOf(request), {
    organisationId,
    action: 'organisation.owner_added',
    objectId,
    after: { user_id: objectId },
  });
  return row;
}

/** Under the lock of the organisation, and with the new one counted. */
async function requireRoom(tx: Transaction, organisationId: string): Promise<void> {
  const [row] = await tx.execute<{ count: number }[]>(
    'select count(*)::int as count from organisation_owners where organisation_id = ?',
    [organisationId],
  );
  if ((row?.count ?? 0) > OWNERS_MAX)
    throw new AppError('state_conflict', { detail: `An organisation has at most ${OWNERS_MAX} owners.` });
}
