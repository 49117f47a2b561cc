import type { Request } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, userOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Actor } from '../audit/audit-event.ts';
import { plainText } from '../plain-text.ts';
import { enterOrganisation } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';

export const organisationBodySchema = z
  .strictObject({ name: plainText(200).meta({ example: 'Atlas Hotels' }) })
  .meta({ id: 'OrganisationName' });

/** Who owns hotels together. */
export const organisationSchema = z
  .object({
    id: z.string().meta({ example: 'org_01jd0000000000000000000000' }),
    object: z.literal('organisation'),
    name: z.string(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Organisation', description: 'Who owns hotels together' });

export type OrganisationRow = { organisation_id: string; name: string; created_ms: number };

export const ORGANISATION_COLUMNS = `organisation_id, name, (extract(epoch from created_at) * 1000)::float8 as created_ms`;

/** The public form. */
export function toJson(row: OrganisationRow): z.infer<typeof organisationSchema> {
  return {
    id: toPublicId('org', row.organisation_id),
    object: 'organisation',
    name: row.name,
    created_at: new Date(row.created_ms).toISOString(),
  };
}

/** The person of the request, as a UUID. */
export function personOf(request: Request): string {
  const { userId } = userOf(request);
  const person = fromPublicId('usr', userId);
  if (person === undefined)
    throw new AppError('unauthenticated', { internal: 'the person has no id of ours' });
  return person;
}

/** The person behind the request, for the history. */
export function personActorOf(request: Request): Actor {
  const { requestId, address } = contextOf(request);
  return { actor: `user:${userOf(request).userId}`, address, requestId };
}

/**
 * Opens the organisation of that public id to the transaction of a person, and locks it; 404 unless they own it, like for
 * one that is not there.
 */
export async function openOrganisation(tx: Transaction, publicId: string): Promise<OrganisationRow> {
  const id = fromPublicId('org', publicId);
  if (id === undefined) throw new AppError('not_found');
  // Under row level security: of somebody else's there is no row.
  const [row] = await tx.execute<OrganisationRow[]>(
    `select ${ORGANISATION_COLUMNS} from organisations where organisation_id = ? for no key update`,
    [id],
  );
  if (row === undefined) throw new AppError('not_found');
  await enterOrganisation(tx, id);
  // They may have been removed while this waited for the lock; the policy was weighed before it.
  const own = await tx.execute<unknown[]>(
    'select 1 from organisation_owners where organisation_id = ? and user_id = centra_user()',
    [id],
  );
  if (own.length === 0) throw new AppError('not_found');
  return row;
}

type OrganisationAction =
  | 'organisation.created'
  | 'organisation.renamed'
  | 'organisation.owner_added'
  | 'organisation.owner_removed'
  | 'organisation.merchant_added';

type OrganisationEvent = {
  organisationId: string;
  action: OrganisationAction;
  /** Public id of what was changed: the organisation, or whom or what it gained or lost. */
  objectId: string;
  before?: object;
  after?: object;
};

/** Adds to the organisation's history, in the transaction of the change itself. The database numbers and chains the rows. */
export async function recordOrganisationEvent(
  tx: Transaction,
  by: Actor,
  event: OrganisationEvent,
): Promise<void> {
  await tx.execute(
    `insert into organisation_events (organisation_id, actor, address, request_id, action, object_id, before, after)
     values (?, ?, ?, ?, ?, ?, ?::jsonb, ?::jsonb)`,
    [
      event.organisationId,
      by.actor,
      by.address,
      by.requestId,
      event.action,
      event.objectId,
      event.before === undefined ? null : JSON.stringify(event.before),
      event.after === undefined ? null : JSON.stringify(event.after),
    ],
  );
}
