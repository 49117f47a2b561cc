import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith, userOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { queueEmail } from '../emails/queue-email.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { judge } from '../sessions/login-guard.ts';
import { endSessions, personOf } from '../sessions/session.ts';
import { takeSecondFactor } from './check-second-factor.ts';
import { codeSchema } from './factor.ts';
import { findOwner, holdOwner } from './owner.ts';
import type { Owner } from './owner.ts';

export const removeFactorSchema = z
  .strictObject({ password: z.string().min(1).max(1_024), code: codeSchema })
  .meta({ id: 'RemoveFactor', description: 'What proves that its person removes a second factor' });

/**
 * POST /v1/auth/factors/:id/remove, with the password and a code of any factor or a recovery code. With the last one the
 * recovery codes go, the other sessions end, and this one counts as proved no longer.
 */
export function removeFactor(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const body = parseWith(removeFactorSchema, request.body);
    const id = fromPublicId('fac', request.params.id);
    const { userId } = personOf(userOf(request));
    if (id === undefined) throw new AppError('not_found');
    const { address, requestId } = contextOf(request);
    const owner = await findOwner(context, userId);
    const attempt = { emailKey: owner.emailKey, address, requestId, step: 'password' } as const;
    await judge(context, attempt, async () => {
      if (!(await context.passwords.matches(body.password, owner.passwordHash)))
        throw new AppError('login_failed');
      await context.orm.em
        .fork()
        .transactional((tx) => remove(context, tx, request, owner, { id, code: body.code }));
    });
    response.status(204).end();
  };
}

async function remove(
  context: Context,
  tx: EntityManager,
  request: Request<{ id: string }>,
  owner: Owner,
  { id, code }: { id: string; code: string },
): Promise<void> {
  const { userId, sessionId } = personOf(userOf(request));
  const { address, requestId } = contextOf(request);
  const held = await holdOwner(tx, userId, sessionId);
  if (held.passwordHash !== owner.passwordHash) throw new AppError('login_failed');
  if (!(await isConfirmed(tx, userId, id))) throw new AppError('not_found');
  const source = { userId, requestId, address };
  if ((await takeSecondFactor(context, tx, source, code)) === undefined)
    throw new AppError('second_factor_wrong');
  await tx.execute('delete from factors where user_id = ? and id = ?', [userId, id]);
  if (held.factors === 1) await forgetProof(tx, userId, sessionId);
  await addUserEvent(tx, source, 'factor.removed', { factor_id: toPublicId('fac', id) });
  const { email, name, locale } = held;
  await queueEmail(tx, { to: email, name, locale, template: 'factor_removed' });
}

/** One that waits for its first code protects nothing, and ends by itself. */
async function isConfirmed(tx: EntityManager, userId: string, id: string): Promise<boolean> {
  const found = await tx.execute<object[]>(
    'select id from factors where user_id = ? and id = ? and confirmed_at is not null',
    [userId, id],
  );
  return found.length === 1;
}

/** Nothing is left that could be proved again. */
async function forgetProof(tx: EntityManager, userId: string, sessionId: string): Promise<void> {
  await tx.execute('delete from recovery_codes where user_id = ?', [userId]);
  await endSessions(tx, userId, { reason: 'factor_removed', except: sessionId });
  await tx.execute('update sessions set factor_at = null where user_id = ? and id = ?', [userId, sessionId]);
  await announce(tx, { kind: 'session', sessionId: toPublicId('ses', sessionId) });
}
