import type { EntityManager } from '@mikro-orm/postgresql';
import type { Locale } from '../accounts/user.ts';

/** A person whose row the transaction holds. */
export type HeldPerson = {
  id: string;
  email: string;
  emailKey: string;
  name: string;
  locale: Locale;
  passwordHash: string;
  emailVerified: boolean;
  /** Whether a second factor is confirmed, and so asked for. */
  hasFactor: boolean;
};

/**
 * Reads a person and holds their row, so that of their log-ins, changes of password and of factors one happens at a time.
 * Undefined when there is no such person, or when the password was changed after `passwordSince`.
 */
export async function holdPerson(
  tx: EntityManager,
  userId: string,
  passwordSince?: Date,
): Promise<HeldPerson | undefined> {
  // Apart from the next statement, which then sees what the one before us committed.
  await tx.execute('select 1 from users where id = ? for no key update', [userId]);
  const [person] = await tx.execute<HeldPerson[]>(
    `select id, email, email_key as "emailKey", name, locale, password_hash as "passwordHash",
       email_verified_at is not null as "emailVerified",
       exists (select 1 from factors where user_id = users.id and confirmed_at is not null) as "hasFactor"
     from users where id = ? and date_trunc('second', password_changed_at) <= coalesce(?::timestamptz, 'infinity')`,
    [userId, passwordSince?.toISOString() ?? null],
  );
  return person;
}
