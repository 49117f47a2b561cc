import { createHash, randomBytes } from 'node:crypto';
import { AppError } from '@centra/service-kit/errors.ts';
import type { BuiltInRole } from '@centra/service-kit/permissions.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { mayGive, readActor } from '../members/actor.ts';
import { builtInRole, lockMembers, toRole } from '../members/member.ts';
import type { RoleColumns, RoleView } from '../members/member.ts';

/** Days that an invitation is good for, from when its mail is sent: a week has a working day for everybody. */
export const INVITATION_DAYS = 7;

/** What the mail says besides its link. Names are as people wrote them: not to be trusted. */
export type InvitationFacts = { hotel: string; inviter: string; role: BuiltInRole | { name: string } };

/**
 * Makes the secret of an invitation whose mail is about to be sent, and its time begin; undefined when it was accepted or
 * revoked in the meantime. Called again, the secret from before is worthless: the last mail's link works.
 */
export async function makeInvitationSecret(
  em: EntityManager,
  invitationId: string,
): Promise<{ secret: Secret; facts: InvitationFacts } | undefined> {
  const secret = randomBytes(32).toString('base64url');
  const [row] = await em.execute<
    { built_in_role: BuiltInRole | null; role_name: string; merchant_name: string; inviter: string }[]
  >(
    `update invitations set secret_hash = ?, expires_at = now() + make_interval(days => ?)
     from users
     where invitations.id = ? and accepted_at is null and revoked_at is null and users.id = invited_by
     returning built_in_role, merchant_name, users.name as inviter, coalesce((select roles.name from roles
       where roles.merchant_id = invitations.merchant_id and roles.id = invitations.role_id), role_name) as role_name`,
    [hashInvitationSecret(secret), INVITATION_DAYS, invitationId],
  );
  if (row === undefined) return undefined;
  const role = row.built_in_role ?? { name: row.role_name };
  return { secret: new Secret(secret), facts: { hotel: row.merchant_name, inviter: row.inviter, role } };
}

/** An invitation that its link still opens. */
export type OpenInvitation = {
  /** UUIDs. */
  id: string;
  merchantId: string;
  invitedBy: string;
  merchantName: string;
  email: string;
  emailKey: string;
  locale: string;
  expiresAt: string;
  /** Whether a verified account has the address. */
  hasAccount: boolean;
  role: RoleView & { columns: Pick<RoleColumns, 'built_in_role' | 'role_id'> };
};

/** `link_expired` (410) for one that was used, revoked, replaced or is over, for a role that is gone and for what never was a link. */
export async function findOpen(em: EntityManager, secret: string): Promise<OpenInvitation> {
  const [row] = await em.execute<(RoleColumns & Omit<OpenInvitation, 'role'>)[]>(OPEN, [
    hashInvitationSecret(secret),
  ]);
  if (row === undefined) throw new AppError('link_expired');
  const { built_in_role, role_id, role_name, permissions, ...invitation } = row;
  const columns = { built_in_role, role_id };
  if (built_in_role !== null) return { ...invitation, role: { ...builtInRole(built_in_role), columns } };
  if (role_name === null) throw new AppError('link_expired', { internal: 'the role was deleted' });
  return { ...invitation, role: { ...toRole({ ...columns, role_name, permissions }), columns } };
}

// By the clock and not the transaction's start: somebody may have waited here for the hotel's lock.
const OPEN = `
select invitations.id, invitations.merchant_id as "merchantId", invited_by as "invitedBy",
  merchant_name as "merchantName", email, email_key as "emailKey", locale,
  to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "expiresAt",
  exists (select from users where users.email_key = invitations.email_key and email_verified_at is not null)
    as "hasAccount",
  built_in_role, role_id, roles.name as role_name, roles.permissions
from invitations
left join roles on roles.merchant_id = invitations.merchant_id and roles.id = invitations.role_id
where secret_hash = ? and accepted_at is null and revoked_at is null and expires_at > clock_timestamp()`;

/** The same under the hotel's lock, so that who may do what stays as it is until the transaction ends. */
export async function holdOpen(tx: EntityManager, secret: string): Promise<OpenInvitation> {
  const { merchantId } = await findOpen(tx, secret);
  await lockMembers(tx, merchantId);
  return await findOpen(tx, secret);
}

/**
 * Whether the invitation may still be given: `access_suspended` (403) for a hotel that lets nobody in, `link_expired` (410)
 * when whoever sent it may not give that role any more.
 */
export async function requireGoodInvitation(em: EntityManager, invitation: OpenInvitation): Promise<void> {
  const { merchantId, invitedBy, role } = invitation;
  const suspended = await em.execute<unknown[]>(
    'select from merchant_access where merchant_id = ? and suspended_at is not null',
    [merchantId],
  );
  if (suspended.length > 0) throw new AppError('access_suspended');
  const inviter = await readActor(em, merchantId, invitedBy);
  if (inviter === undefined || !inviter.permissions.includes('users:write') || !mayGive(inviter, role))
    throw new AppError('link_expired', { internal: 'the inviter may not give that role any more' });
}

/** Uses an invitation up; `link_expired` when somebody else was faster. */
export async function takeInvitation(
  tx: EntityManager,
  invitation: OpenInvitation,
  secret: string,
): Promise<void> {
  const rows = await tx.execute<unknown[]>(
    `update invitations set accepted_at = now()
     where merchant_id = ? and id = ? and secret_hash = ? and accepted_at is null and revoked_at is null
       and expires_at > clock_timestamp() returning id`,
    [invitation.merchantId, invitation.id, hashInvitationSecret(secret)],
  );
  if (rows.length !== 1) throw new AppError('link_expired');
}

/** A slow hash protects what can be guessed, which 256 random bits cannot be. */
function hashInvitationSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
