import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith, userOf } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { queueEmail } from '../emails/queue-email.ts';
import { holdPerson } from '../sessions/hold-person.ts';
import { judge } from '../sessions/login-guard.ts';
import { endSessions, personOf } from '../sessions/session.ts';
import { endLinks } from './email-token.ts';
import { requireGoodPassword } from './password-rules.ts';
import { findUser, newPasswordSchema, passwordSchema } from './user.ts';
import type { Account } from './user.ts';

export const changePasswordSchema = z
  .strictObject({ current_password: passwordSchema, new_password: newPasswordSchema })
  .meta({ id: 'ChangePassword', description: 'The password as it is and as it is to be' });

export const passwordChangedSchema = z
  .object({ status: z.literal('changed') })
  .meta({ id: 'PasswordChanged', description: 'The password is the new one; all other sessions have ended' });

type Change = { account: Account; sessionId: string; passwordHash: string };

/** POST /v1/auth/password. A wrong current password counts like one at log-in. Every session but this one ends. */
export function changePassword(context: Context): RequestHandler {
  return async (request, response) => {
    const body = parseWith(changePasswordSchema, request.body);
    const { userId, sessionId } = personOf(userOf(request));
    const account = await findUser(context.orm.em.fork(), userId);
    if (account === undefined) throw new AppError('unauthenticated');
    const { address, requestId } = contextOf(request);
    const { emailKey } = account;
    await judge(context, { emailKey, address, requestId, step: 'password' }, async () => {
      if (!(await context.passwords.matches(body.current_password, account.passwordHash)))
        throw new AppError('login_failed', { detail: 'The current password is not right.' });
    });
    if (body.new_password === body.current_password)
      throw new AppError('validation_failed', {
        errors: [{ field: 'new_password', reason: 'must not be the current one' }],
      });
    await requireGoodPassword('new_password', body.new_password, account);
    const passwordHash = await context.passwords.hash(body.new_password);
    await storeChange(context, { account, sessionId, passwordHash }, { requestId, address });
    const answer: z.infer<typeof passwordChangedSchema> = { status: 'changed' };
    response.json(answer);
  };
}

async function storeChange(
  context: Context,
  { account, sessionId, passwordHash }: Change,
  from: { requestId: string; address: string },
): Promise<void> {
  const { id: userId } = account;
  await context.orm.em.fork().transactional(async (tx) => {
    const person = await holdPerson(tx, userId);
    // Changed since it was judged: the current password is another one now.
    if (person?.passwordHash !== account.passwordHash) throw new AppError('login_failed');
    await tx.execute('update users set password_hash = ?, password_changed_at = now() where id = ?', [
      passwordHash,
      userId,
    ]);
    // Whoever got hold of one could undo the change.
    await endLinks(tx, userId, ['reset_password']);
    await endSessions(tx, userId, { reason: 'password_changed', except: sessionId });
    await addUserEvent(tx, { userId, ...from }, 'password.changed');
    const { email: to, name, locale } = person;
    await queueEmail(tx, { to, name, locale, template: 'password_changed' });
  });
}
