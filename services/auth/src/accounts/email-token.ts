import { createHash, randomBytes } from 'node:crypto';
import { newUuid } from '@centra/service-kit/ids.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { defineEntity, p } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { queueEmail } from '../emails/queue-email.ts';
import type { Addressee } from './user.ts';

export const EmailToken = defineEntity({
  name: 'EmailToken',
  tableName: 'email_tokens',
  properties: {
    id: p.uuid().primary(),
    userId: p.uuid(),
    purpose: p.enum(['verify_email', 'reset_password'] as const),
    secretHash: p.blob().nullable().lazy(),
    createdAt: p.datetime().defaultRaw('now()'),
    expiresAt: p.datetime(),
    usedAt: p.datetime().nullable(),
  },
});

/** What stands behind `#token=` in a link. Of another form it is as good as one that was used. */
export const linkSecretSchema = z
  .string()
  .min(1)
  .max(200)
  .meta({ description: 'What stands behind `#token=` in the link', example: '<43 characters>' });

type Purpose = 'verify_email' | 'reset_password';

/** The mails that carry a link with a secret, and what the link opens. */
const LINKS = {
  verify_email: 'verify_email',
  // Somebody who forgot that they have an account will have forgotten its password too.
  account_exists: 'reset_password',
  reset_password: 'reset_password',
} as const satisfies Record<string, Purpose>;

export type LinkTemplate = keyof typeof LINKS;

/** Hours that a link is good for, from when its mail is sent. */
export const LINK_HOURS = { verify_email: 24, reset_password: 1 } as const satisfies Record<Purpose, number>;

// A person needs one or two; whoever asks in somebody else's name must not fill their mailbox.
const LINKS_AN_HOUR_MAX = 5;

/**
 * Queues a mail with a new link in the caller's transaction, which must hold the lock on the person's row; their earlier
 * links of the purpose are dead then. Beyond five links of a purpose within an hour nothing is sent and false answered: the
 * last link stays good, so that nobody can be kept out of their account by others asking in their name.
 */
export async function queueLink(tx: EntityManager, to: Addressee, template: LinkTemplate): Promise<boolean> {
  const purpose = LINKS[template];
  const rows = await tx.execute<{ recent: number }[]>(
    `select count(*)::int as recent from email_tokens
     where user_id = ? and purpose = ? and created_at > now() - interval '1 hour'`,
    [to.id, purpose],
  );
  if ((rows[0]?.recent ?? 0) >= LINKS_AN_HOUR_MAX) return false;
  await endLinks(tx, to.id, [purpose]);
  const emailTokenId = newUuid();
  await tx.execute(
    `insert into email_tokens (id, user_id, purpose, expires_at) values (?, ?, ?, now() + make_interval(hours => ?))`,
    [emailTokenId, to.id, purpose, LINK_HOURS[purpose]],
  );
  await queueEmail(tx, { to: to.email, name: to.name, locale: to.locale, template, emailTokenId });
  return true;
}

/** Makes the person's unused links of these purposes worthless. */
export async function endLinks(
  tx: EntityManager,
  userId: string,
  purposes: readonly Purpose[],
): Promise<void> {
  await tx.execute(
    `update email_tokens set used_at = now() where user_id = ? and used_at is null and purpose in (?)`,
    [userId, purposes],
  );
}

/**
 * Makes the secret of a link whose mail is about to be sent, and its time begin; undefined when the link was overtaken by a
 * newer one or used in the meantime. Called again, the secret from before is worthless: the last mail's link works.
 */
export async function makeLinkSecret(em: EntityManager, emailTokenId: string): Promise<Secret | undefined> {
  const secret = randomBytes(32).toString('base64url');
  const rows = await em.execute<{ id: string }[]>(
    `update email_tokens set secret_hash = ?,
       expires_at = now() + make_interval(hours => case purpose when 'verify_email' then ? else ? end)
     where id = ? and used_at is null returning id`,
    [hashLinkSecret(secret), LINK_HOURS.verify_email, LINK_HOURS.reset_password, emailTokenId],
  );
  return rows.length === 1 ? new Secret(secret) : undefined;
}

/** Whose link it is, while it can still be used; that it is used only once is seen to by `takeLink`. */
export async function ownerOfLink(
  em: EntityManager,
  secret: string,
  purpose: Purpose,
): Promise<string | undefined> {
  const rows = await em.execute<{ user_id: string }[]>(
    `select user_id from email_tokens
     where secret_hash = ? and purpose = ? and used_at is null and expires_at > now()`,
    [hashLinkSecret(secret), purpose],
  );
  return rows[0]?.user_id;
}

/** Uses a link up, under the lock on its person's row; false when it is no good, or no more. */
export async function takeLink(tx: EntityManager, secret: string, purpose: Purpose): Promise<boolean> {
  const rows = await tx.execute<unknown[]>(
    `update email_tokens set used_at = now()
     where secret_hash = ? and purpose = ? and used_at is null and expires_at > clock_timestamp() returning id`,
    [hashLinkSecret(secret), purpose],
  );
  return rows.length === 1;
}

/** A slow hash protects what can be guessed, which 256 random bits cannot be. */
function hashLinkSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
