import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { holdPerson } from '../sessions/hold-person.ts';
import { judge } from '../sessions/login-guard.ts';
import { endLinks, linkSecretSchema, ownerOfLink, takeLink } from './email-token.ts';
import { findUser } from './user.ts';
import type { Account } from './user.ts';

export const verifyEmailSchema = z
  .strictObject({
    token: linkSecretSchema,
    // Any text that may have been set as a password.
    password: z.string().min(1).max(1_024).meta({ description: 'The one that was registered with' }),
  })
  .meta({ id: 'VerifyEmail', description: 'The secret of a link that was sent by mail, and the password' });

export const verifiedSchema = z
  .object({ status: z.literal('verified') })
  .meta({ id: 'EmailVerified', description: 'The address belongs to whoever holds the account' });

/**
 * POST /v1/auth/verify-email: the secret of a mail that reached the address, once, and the password of the account. The mail
 * alone would not do: a stranger may register an address with a password of their own and wait for its owner to click. A wrong
 * password is `login_failed` (401), counts as a failed log-in, and leaves the link good.
 */
export function verifyEmail(context: Context): RequestHandler {
  return async (request, response) => {
    const { token, password } = parseWith(verifyEmailSchema, request.body);
    const { requestId, address } = contextOf(request);
    const em = context.orm.em.fork();
    const userId = await ownerOfLink(em, token, 'verify_email');
    const account = userId === undefined ? undefined : await findUser(em, userId);
    if (account === undefined) throw new AppError('link_expired');
    const { emailKey } = account;
    await judge(context, { emailKey, address, requestId, step: 'password' }, async () => {
      if (!(await context.passwords.matches(password, account.passwordHash)))
        throw new AppError('login_failed');
      await verify(context, account, { token, requestId, address });
    });
    const answer: z.infer<typeof verifiedSchema> = { status: 'verified' };
    response.json(answer);
  };
}

async function verify(
  context: Context,
  account: Account,
  { token, ...from }: { token: string; requestId: string; address: string },
): Promise<void> {
  const { id: userId } = account;
  await context.orm.em.fork().transactional(async (tx) => {
    const person = await holdPerson(tx, userId);
    // Registered anew since it was judged: another's password stands there now, and this link has ended.
    if (person?.passwordHash !== account.passwordHash || !(await takeLink(tx, token, 'verify_email')))
      throw new AppError('link_expired');
    await endLinks(tx, userId, ['verify_email']);
    await tx.execute('update users set email_verified_at = coalesce(email_verified_at, now()) where id = ?', [
      userId,
    ]);
    await addUserEvent(tx, { userId, ...from }, 'email.verified');
  });
}
