import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { findUser, passwordSchema } from '../accounts/user.ts';
import type { Account } from '../accounts/user.ts';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { AuditSource } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { holdPerson } from '../sessions/hold-person.ts';
import { judge } from '../sessions/login-guard.ts';
import { findActor } from './actor.ts';
import type { Actor } from './actor.ts';
import { findTarget, writeRole } from './change-member.ts';
import { lockMembers } from './member.ts';

export const transferOwnershipSchema = z
  .strictObject({
    user_id: z
      .string()
      .max(64)
      .meta({ description: 'The owner to be', example: 'usr_01jd0000000000000000000000' }),
    password: passwordSchema.meta({ description: 'Your own' }),
  })
  .meta({ id: 'TransferOwnership', description: 'To whom the hotel goes' });

export const ownershipTransferredSchema = z
  .object({
    owner: z.string().meta({ description: 'The new owner', example: 'usr_01jd0000000000000000000000' }),
  })
  .meta({ id: 'OwnershipTransferred', description: 'Who owns the hotel now; whoever asked is an admin' });

/**
 * POST /v1/merchants/:merchant/transfer-ownership: a member becomes owner and the owner who asks an admin, in one. The
 * password is asked for again, and a wrong one counts like one at log-in.
 */
export function transferOwnership(context: Context): RequestHandler {
  return async (request, response) => {
    const body = parseWith(transferOwnershipSchema, request.body);
    const identity = identityOf(request);
    const source = auditSourceOf(request);
    const em = context.orm.em.fork();
    const { userId } = await requireOwner(em, identity);
    const account = await findUser(em, userId);
    if (account === undefined) throw new AppError('unauthenticated');
    const { address, requestId } = source;
    await judge(context, { emailKey: account.emailKey, address, requestId, step: 'password' }, async () => {
      if (!(await context.passwords.matches(body.password, account.passwordHash)))
        throw new AppError('login_failed', { detail: 'The password is not right.' });
    });
    const heir = fromPublicId('usr', body.user_id);
    if (heir === undefined) throw new AppError('not_found');
    await em.transactional(async (tx) => {
      await lockMembers(tx, source.merchantId);
      // Another transfer may have come first.
      await requireOwner(tx, identity);
      await hold(tx, account);
      await transfer(tx, source, { owner: account.id, heir });
    });
    const answer: z.infer<typeof ownershipTransferredSchema> = { owner: toPublicId('usr', heir) };
    response.json(answer);
  };
}

async function requireOwner(tx: EntityManager, identity: Identity): Promise<Actor> {
  const actor = await findActor(tx, identity, 'users:write');
  if (!actor.isOwner) throw new AppError('forbidden', { detail: 'Only an owner may give the hotel away.' });
  return actor;
}

/** 401 when the password was changed since it was judged. */
async function hold(tx: EntityManager, account: Account): Promise<void> {
  const person = await holdPerson(tx, account.id);
  if (person?.passwordHash !== account.passwordHash) throw new AppError('login_failed');
}

async function transfer(
  tx: EntityManager,
  source: AuditSource,
  { owner, heir }: { owner: string; heir: string },
): Promise<void> {
  const { merchantId } = source;
  const target = await findTarget(tx, merchantId, heir);
  if (target === undefined) throw new AppError('not_found');
  if (heir === owner) throw new AppError('state_conflict', { detail: 'The hotel is yours already.' });
  if (target.suspended)
    throw new AppError('state_conflict', { detail: 'That person is suspended. Restore them first.' });
  await giveRole(tx, source, { userId: heir, from: target.before.role, to: 'owner' });
  await giveRole(tx, source, { userId: owner, from: 'owner', to: 'admin' });
  const [before, after] = [{ owner: toPublicId('usr', owner) }, { owner: toPublicId('usr', heir) }];
  await addAuditEvent(tx, source, 'ownership.transferred', toPublicId('mer', merchantId), { before, after });
}

async function giveRole(
  tx: EntityManager,
  source: AuditSource,
  { userId, from, to }: { userId: string; from: string; to: 'owner' | 'admin' },
): Promise<void> {
  // An heir who is an owner already stays one.
  if (from === to) return;
  const { merchantId } = source;
  const publicId = toPublicId('usr', userId);
  await writeRole(tx, { merchantId, userId }, { built_in_role: to, role_id: null });
  await addAuditEvent(tx, source, 'member.role_changed', publicId, {
    before: { role: from },
    after: { role: to },
  });
  await announce(tx, { kind: 'member', merchantId, userId: publicId });
}
