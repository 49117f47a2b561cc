import type { Request, Response } from 'express';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { asPerson, enterOrganisation } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import {
  ORGANISATION_COLUMNS,
  organisationBodySchema,
  personActorOf,
  personOf,
  recordOrganisationEvent,
  toJson,
} from './organisation.ts';
import type { OrganisationRow } from './organisation.ts';

// A person has one or two; twenty is a script gone wrong.
const ORGANISATIONS_MAX = 20;

/** POST /v1/organisations: the person who makes it is its first owner. */
export async function createOrganisation(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const { name } = parseWith(organisationBodySchema, request.body);
  refuseCardData({ name });
  const userId = personOf(request);
  const organisationId = newUuid();
  const created = await asPerson(context, userId, async (tx) => {
    await requireRoom(tx, userId);
    await enterOrganisation(tx, organisationId);
    const row = await insertOrganisation(tx, organisationId, name);
    await tx.execute('insert into organisation_owners (organisation_id, user_id) values (?, ?)', [
      organisationId,
      userId,
    ]);
    await recordOrganisationEvent(tx, personActorOf(request), {
      organisationId,
      action: 'organisation.created',
      objectId: toPublicId('org', organisationId),
      after: { name },
    });
    return row;
  });
  const json = toJson(created);
  response.status(201).location(`/v1/organisations/${json.id}`).json(json);
}

async function requireRoom(tx: Transaction, userId: string): Promise<void> {
  // One at a time for a person, else two at once would both be the twentieth.
  await tx.execute(`select pg_advisory_xact_lock(hashtextextended('organisations of ' || ?, 0))`, [userId]);
  const [row] = await tx.execute<{ count: number }[]>(
    'select count(*)::int as count from organisation_owners where user_id = ?',
    [userId],
  );
  if ((row?.count ?? 0) >= ORGANISATIONS_MAX)
    throw new AppError('state_conflict', {
      detail: `A person has at most ${ORGANISATIONS_MAX} organisations.`,
    });
}

async function insertOrganisation(
  tx: Transaction,
  organisationId: string,
  name: string,
): Promise<OrganisationRow> {
  const [row] = await tx.execute<OrganisationRow[]>(
    `insert into organisations (organisation_id, name) values (?, ?) returning ${ORGANISATION_COLUMNS}`,
    [organisationId, name],
  );
  if (row === undefined) throw new Error('the organisation that was just stored is not there');
  return row;
}
