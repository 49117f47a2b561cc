import { defineEntity, p } from '@mikro-orm/core';
import type { InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';

export const LOCALES = ['en', 'fr', 'es', 'ar'] as const;

export type Locale = (typeof LOCALES)[number];

/** A person's account. It belongs to no hotel; `members` says where they work. */
export const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary(),
    email: p.text(),
    // Lazy: the role that reads may not see them.
    emailKey: p.text().lazy(),
    name: p.text(),
    locale: p.enum(LOCALES),
    passwordHash: p.text().lazy(),
    passwordChangedAt: p.datetime().defaultRaw('now()').lazy(),
    emailVerifiedAt: p.datetime().nullable(),
    createdAt: p.datetime().defaultRaw('now()'),
  },
});

/** A row as reads return it. */
export type UserRow = Omit<InferEntity<typeof User>, 'emailKey' | 'passwordHash' | 'passwordChangedAt'>;

/** The address that counts: one spelling of what one person may write in many. */
export function emailKeyOf(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase();
}

// RFC 5321 §4.5.3.1.3 less its two angle brackets.
const EMAIL_MAX_LENGTH = 254;

/** ASCII only, so that two addresses that look alike are alike. Control characters and line breaks have no place in it. */
export const emailAddressSchema = z
  .email('is not an e-mail address')
  .max(EMAIL_MAX_LENGTH)
  .meta({ description: 'E-mail address; capitals do not matter', example: 'amina@riad-atlas.example' });

/** What a password is tested for is said by the rules; this only keeps work on it small. */
export const passwordSchema = z.string().min(1).max(1_024);

export const newPasswordSchema = passwordSchema.meta({
  description: 'At least 12 characters, at most 72 bytes in UTF-8, and not easy to guess',
  example: 'five otters paddle at dawn',
});

// A control character would break a log line, and one that turns the writing direction could fake a name.
export const personNameSchema = z
  .string()
  .max(100)
  .regex(/\S/u, 'must not be empty')
  .regex(/^[^\p{Cc}\p{Bidi_Control}\u2028\u2029]*$/u, 'must not contain control characters')
  .meta({ description: 'For people, 1 to 100 characters', example: 'Amina Haddad' });

export const localeSchema = z
  .enum(LOCALES)
  .meta({ description: 'Language of mails and of the dashboard', example: 'fr' });

/** Whom a mail goes to. */
export type Addressee = { id: string; email: string; name: string; locale: Locale };

/** An account as what happens to it needs it. */
export type Account = {
  id: string;
  email: string;
  emailKey: string;
  name: string;
  locale: Locale;
  passwordHash: string;
  verified: boolean;
};

const accountSchema = z.object({
  id: z.string(),
  email: z.string(),
  emailKey: z.string(),
  name: z.string(),
  locale: z.enum(LOCALES),
  passwordHash: z.string(),
  verified: z.boolean(),
});

const ACCOUNT = `select id, email, email_key as "emailKey", name, locale, password_hash as "passwordHash",
  email_verified_at is not null as verified from users`;

/** By the address that counts. Whatever else wants to happen to the account waits until the transaction ends. */
export async function lockUserByEmail(tx: EntityManager, emailKey: string): Promise<Account | undefined> {
  return await oneAccount(tx, `${ACCOUNT} where email_key = ? for no key update`, emailKey);
}

/** By UUID. */
export async function findUser(em: EntityManager, userId: string): Promise<Account | undefined> {
  return await oneAccount(em, `${ACCOUNT} where id = ?`, userId);
}

async function oneAccount(em: EntityManager, text: string, value: string): Promise<Account | undefined> {
  const [row] = await em.execute<unknown[]>(text, [value]);
  return row === undefined ? undefined : accountSchema.parse(row);
}
