import { contextOf, parseWith } from '@centra/service-kit/http.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { queueLink } from './email-token.ts';
import { requireGoodPassword } from './password-rules.ts';
import {
  emailAddressSchema,
  emailKeyOf,
  localeSchema,
  lockUserByEmail,
  newPasswordSchema,
  personNameSchema,
} from './user.ts';
import type { Account, Addressee } from './user.ts';

export const registerSchema = z
  .strictObject({
    email: emailAddressSchema,
    password: newPasswordSchema,
    name: personNameSchema,
    locale: localeSchema.optional().meta({ description: 'English by default', example: 'fr' }),
  })
  .meta({ id: 'Register', description: 'A new account' });

export const registeredSchema = z.object({ status: z.literal('verification_sent') }).meta({
  id: 'Registered',
  description: 'A mail is on its way, whether or not the address has an account already',
});

/**
 * POST /v1/auth/register. Whether the address has an account already is told to its owner, by mail; the caller gets the same
 * answer after the same work.
 */
export function register(context: Context): RequestHandler {
  return async (request, response) => {
    const body = parseWith(registerSchema, request.body);
    await requireGoodPassword('password', body.password, body);
    // Also when it will not be stored: without this, an address that has an account would be answered sooner.
    const passwordHash = await context.passwords.hash(body.password);
    const { email, name, locale = 'en' } = body;
    const { requestId, address } = contextOf(request);
    await context.orm.em.fork().transactional(async (tx) => {
      const wanted = { id: newUuid(), email, name, locale };
      const emailKey = emailKeyOf(email);
      if (await insertUser(tx, wanted, { emailKey, passwordHash })) {
        await addUserEvent(tx, { userId: wanted.id, requestId, address }, 'user.registered');
        await queueLink(tx, wanted, 'verify_email');
        return;
      }
      const account = await lockUserByEmail(tx, emailKey);
      if (account?.verified === true) await queueLink(tx, account, 'account_exists');
      else if (account !== undefined) await startOver(tx, account, { ...wanted, passwordHash });
    });
    const answer: z.infer<typeof registeredSchema> = { status: 'verification_sent' };
    response.status(202).json(answer);
  };
}

/** False when the address has an account already. */
async function insertUser(
  tx: EntityManager,
  { id, email, name, locale }: Addressee,
  { emailKey, passwordHash }: { emailKey: string; passwordHash: string },
): Promise<boolean> {
  const rows = await tx.execute<unknown[]>(
    `insert into users (id, email, email_key, name, locale, password_hash) values (?, ?, ?, ?, ?, ?)
     on conflict on constraint users_email_unique do nothing returning id`,
    [id, email, emailKey, name, locale, passwordHash],
  );
  return rows.length === 1;
}

/**
 * An address that nobody proved yet: the last registration counts, and its link only. Whoever registered it before its owner
 * did would otherwise know the password once the owner follows the link.
 */
async function startOver(
  tx: EntityManager,
  { id }: Account,
  { email, name, locale, passwordHash }: Omit<Addressee, 'id'> & { passwordHash: string },
): Promise<void> {
  if (!(await queueLink(tx, { id, email, name, locale }, 'verify_email'))) return;
  await tx.execute(
    `update users set email = ?, name = ?, locale = ?, password_hash = ?, password_changed_at = now() where id = ?`,
    [email, name, locale, passwordHash, id],
  );
}
