import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { endLinks, linkSecretSchema } from '../accounts/email-token.ts';
import { requireGoodPassword } from '../accounts/password-rules.ts';
import { localeSchema, lockUserByEmail, newPasswordSchema, personNameSchema } from '../accounts/user.ts';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { forgetLoginFailures } from '../sessions/login-guard.ts';
import { findOpen, holdOpen, requireGoodInvitation } from './invitation-link.ts';
import type { OpenInvitation } from './invitation-link.ts';
import { joinHotel } from './join-hotel.ts';

export const registerByInvitationSchema = z
  .strictObject({
    token: linkSecretSchema,
    name: personNameSchema,
    password: newPasswordSchema,
    locale: localeSchema.optional().meta({ description: 'The mail’s by default', example: 'fr' }),
  })
  .meta({ id: 'RegisterByInvitation', description: 'A new account for the address of an invitation' });

export const registeredByInvitationSchema = z
  .object({
    user_id: z.string().meta({ example: 'usr_01jd0000000000000000000000' }),
    merchant_id: z.string().meta({ description: 'The hotel', example: 'mer_01jd0000000000000000000000' }),
  })
  .meta({
    id: 'RegisteredByInvitation',
    description: 'The account is ready to log in and works at the hotel',
  });

type NewAccount = { name: string; locale: string; passwordHash: string };

/**
 * POST /v1/invitations/register: an account whose address the link proves, and its membership, in one. 409 `account_exists`
 * when the address has a verified account, which accepts instead.
 */
export function registerByInvitation(context: Context): RequestHandler {
  return async (request, response) => {
    const { token, name, password, locale } = parseWith(registerByInvitationSchema, request.body);
    const em = context.orm.em.fork();
    // All that can be refused before the slow hash is.
    const invitation = await findOpen(em, token);
    await requireGoodInvitation(em, invitation);
    if (invitation.hasAccount) throw new AppError('account_exists');
    await requireGoodPassword('password', password, { email: invitation.email, name });
    const passwordHash = await context.passwords.hash(password);
    const { requestId, address } = contextOf(request);
    const answer = await em.transactional(async (tx) => {
      // Somebody else may have used or replaced it while the password was hashed.
      const held = await holdOpen(tx, token);
      const account = { name, locale: locale ?? held.locale, passwordHash };
      const userId = await writeAccount(tx, held, account, { requestId, address });
      await joinHotel(tx, held, token, { userId, requestId, address });
      return {
        user_id: toPublicId('usr', userId),
        merchant_id: toPublicId('mer', held.merchantId),
      } satisfies z.infer<typeof registeredByInvitationSchema>;
    });
    response.status(201).json(answer);
  };
}

/** The UUID of the account, whose address is proved now. */
async function writeAccount(
  tx: EntityManager,
  invitation: OpenInvitation,
  account: NewAccount,
  from: { requestId: string; address: string },
): Promise<string> {
  const { email, emailKey } = invitation;
  const { name, locale, passwordHash } = account;
  const [made] = await tx.execute<{ id: string }[]>(
    `insert into users (id, email, email_key, name, locale, password_hash, email_verified_at)
     values (?, ?, ?, ?, ?, ?, now())
     on conflict on constraint users_email_unique do nothing returning id`,
    [newUuid(), email, emailKey, name, locale, passwordHash],
  );
  const userId = made?.id ?? (await takeOver(tx, invitation, account));
  if (made !== undefined) await addUserEvent(tx, { userId, ...from }, 'user.registered');
  await addUserEvent(tx, { userId, ...from }, 'email.verified');
  // Whoever kept others out of this address before it was theirs.
  await forgetLoginFailures(tx, emailKey);
  return userId;
}

/**
 * An address that somebody registered and nobody proved: it may have been a stranger, whose password and links are worth
 * nothing from now on.
 */
async function takeOver(
  tx: EntityManager,
  { email, emailKey }: OpenInvitation,
  { name, locale, passwordHash }: NewAccount,
): Promise<string> {
  const account = await lockUserByEmail(tx, emailKey);
  if (account === undefined) throw new Error('the address is taken by no account');
  if (account.verified) throw new AppError('account_exists');
  await tx.execute(
    `update users set email = ?, name = ?, locale = ?, password_hash = ?, password_changed_at = now(),
       email_verified_at = now() where id = ?`,
    [email, name, locale, passwordHash, account.id],
  );
  await endLinks(tx, account.id, ['verify_email', 'reset_password']);
  return account.id;
}
