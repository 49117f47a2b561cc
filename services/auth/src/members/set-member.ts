import type { SetMemberRequest, SetMemberResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { emailKeyOf } from '../accounts/user.ts';
import { addAuditEvent, auditActorSchema } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { findTarget, keepAnOwner, writeRole } from './change-member.ts';
import type { MemberChange } from './change-member.ts';
import { findRole, lockMembers, roleSchema } from './member.ts';

// Far more than the largest hotel has at a screen; a loop gone wrong stops here.
const MEMBERS_MAX = 1_000;

const setMemberSchema = z.strictObject({
  merchantId: z.uuid(),
  person: z.discriminatedUnion('$case', [
    z.strictObject({ $case: z.literal('userId'), value: z.string() }),
    z.strictObject({ $case: z.literal('email'), value: z.string().min(3).max(254) }),
  ]),
  role: roleSchema,
  actor: auditActorSchema,
});

type Wanted = z.infer<typeof setMemberSchema>;

/**
 * SetMember: gives a person a role at a hotel, or another one; a suspended member stays suspended. Safe to repeat.
 * `not_found` for an unknown or unverified person and an unknown role, `last_owner` when it would take the last owner away.
 */
export async function setMember(
  context: Context,
  request: SetMemberRequest,
  call: CallContext,
): Promise<SetMemberResponse> {
  const wanted = parseWith(setMemberSchema, request);
  const { merchantId, actor } = wanted;
  const source = { merchantId, actor, requestId: call.requestId, address: call.address };
  return await context.orm.em.fork().transactional(async (tx) => {
    await lockMembers(tx, merchantId);
    const userId = await findVerified(tx, wanted.person);
    if (userId === undefined)
      throw new AppError('not_found', { detail: 'There is no verified account of that person.' });
    const publicId = toPublicId('usr', userId);
    const done = await writeMember(tx, merchantId, userId, wanted.role);
    if (done !== undefined) {
      await addAuditEvent(tx, source, done.action, publicId, done.details);
      await announce(tx, { kind: 'member', merchantId, userId: publicId });
    }
    return { userId: publicId };
  });
}

async function findVerified(tx: EntityManager, person: Wanted['person']): Promise<string | undefined> {
  const isEmail = person.$case === 'email';
  const value = isEmail ? emailKeyOf(person.value) : fromPublicId('usr', person.value);
  if (value === undefined) return undefined;
  const [row] = await tx.execute<{ id: string }[]>(
    `select id from users where ${isEmail ? 'email_key' : 'id'} = ? and email_verified_at is not null`,
    [value],
  );
  return row?.id;
}

async function writeMember(
  tx: EntityManager,
  merchantId: string,
  userId: string,
  wantedRole: string,
): Promise<MemberChange> {
  const role = await findRole(tx, merchantId, wantedRole);
  if (role === undefined) throw new AppError('not_found', { detail: 'The hotel has no such role.' });
  const after = { role: role.role };
  const target = await findTarget(tx, merchantId, userId);
  if (target === undefined) {
    await insertMember(tx, merchantId, userId, role.columns);
    return { action: 'member.added', details: { after } };
  }
  if (target.before.role === role.role) return undefined;
  await keepAnOwner(tx, target);
  await writeRole(tx, target, role.columns);
  return { action: 'member.role_changed', details: { before: { role: target.before.role }, after } };
}

/** Adds a member, under `lockMembers`; `state_conflict` when the hotel is full. */
export async function insertMember(
  tx: EntityManager,
  merchantId: string,
  userId: string,
  columns: { built_in_role: string | null; role_id: string | null },
): Promise<void> {
  const [row] = await tx.execute<{ count: number }[]>(
    'select count(*)::int as count from members where merchant_id = ?',
    [merchantId],
  );
  if ((row?.count ?? 0) >= MEMBERS_MAX)
    throw new AppError('state_conflict', { detail: `There are ${MEMBERS_MAX} members already.` });
  await tx.execute('insert into members (merchant_id, user_id, built_in_role, role_id) values (?, ?, ?, ?)', [
    merchantId,
    userId,
    columns.built_in_role,
    columns.role_id,
  ]);
}
