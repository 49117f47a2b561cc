import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith } from '@centra/service-kit/http.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { queueEmail } from '../emails/queue-email.ts';
import { holdPerson } from '../sessions/hold-person.ts';
import type { HeldPerson } from '../sessions/hold-person.ts';
import { forgetLoginFailures } from '../sessions/login-guard.ts';
import { endSessions } from '../sessions/session.ts';
import { endLinks, linkSecretSchema, ownerOfLink, takeLink } from './email-token.ts';
import { requireGoodPassword } from './password-rules.ts';
import { findUser, newPasswordSchema } from './user.ts';

export const resetPasswordSchema = z
  .strictObject({ token: linkSecretSchema, new_password: newPasswordSchema })
  .meta({
    id: 'ResetPassword',
    description: 'The secret of a link that was sent by mail, and the new password',
  });

export const passwordResetSchema = z
  .object({ status: z.literal('reset') })
  .meta({ id: 'PasswordReset', description: 'The password is the new one; every session has ended' });

/**
 * POST /v1/auth/password/reset: by the secret of a mail that reached the address, once. Ends every session and lifts the lock.
 * It proves the address as well as the link for that does.
 */
export function resetPassword(context: Context): RequestHandler {
  return async (request, response) => {
    const { token, new_password: password } = parseWith(resetPasswordSchema, request.body);
    const em = context.orm.em.fork();
    const userId = await ownerOfLink(em, token, 'reset_password');
    const account = userId === undefined ? undefined : await findUser(em, userId);
    if (account === undefined) throw new AppError('link_expired');
    // A password that is not taken leaves the link good for another.
    await requireGoodPassword('new_password', password, account);
    const passwordHash = await context.passwords.hash(password);
    const { requestId, address } = contextOf(request);
    await em.transactional(async (tx) => {
      const person = await holdPerson(tx, account.id);
      // Somebody else may have used it while the password was hashed.
      if (person === undefined || !(await takeLink(tx, token, 'reset_password')))
        throw new AppError('link_expired');
      await storeReset(tx, person, passwordHash, { requestId, address });
    });
    const answer: z.infer<typeof passwordResetSchema> = { status: 'reset' };
    response.json(answer);
  };
}

async function storeReset(
  tx: EntityManager,
  person: HeldPerson,
  passwordHash: string,
  from: { requestId: string; address: string },
): Promise<void> {
  const { id: userId, email: to, name, locale } = person;
  const source = { userId, ...from };
  await tx.execute(
    `update users set password_hash = ?, password_changed_at = now(),
       email_verified_at = coalesce(email_verified_at, now()) where id = ?`,
    [passwordHash, userId],
  );
  await endLinks(tx, userId, ['reset_password', 'verify_email']);
  await endSessions(tx, userId, { reason: 'password_reset' });
  await forgetLoginFailures(tx, person.emailKey);
  if (!person.emailVerified) await addUserEvent(tx, source, 'email.verified');
  await addUserEvent(tx, source, 'password.reset');
  await queueEmail(tx, { to, name, locale, template: 'password_changed' });
}
