import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Locale } from '../accounts/user.ts';
import { findInvitations } from './invitation.ts';
import type { InvitationJson } from './invitation.ts';

/** An invitation as a change by the hotel finds it, under the hotel's lock. */
export type HeldInvitation = {
  /** UUID. */
  id: string;
  emailKey: string;
  locale: Locale;
  /** As the hotel's people see it. */
  before: InvitationJson;
};

/** 404 for another hotel's, for a malformed id and for one that is not kept any more. Call it under `lockMembers`. */
export async function holdInvitation(
  tx: EntityManager,
  merchantId: string,
  publicId: string,
): Promise<HeldInvitation> {
  const id = fromPublicId('inv', publicId);
  if (id === undefined) throw new AppError('not_found');
  // Apart from the next statement, which then sees what a mail that is being sent committed.
  const [row] = await tx.execute<{ emailKey: string; locale: Locale }[]>(
    `select email_key as "emailKey", locale from invitations where merchant_id = ? and id = ? for no key update`,
    [merchantId, id],
  );
  const [before] = await findInvitations(tx, merchantId, { id, limit: 1 });
  if (row === undefined || before === undefined) throw new AppError('not_found');
  return { id, ...row, before };
}
