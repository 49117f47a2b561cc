import type { EntityManager } from '@mikro-orm/postgresql';
import { LOCALES } from '../accounts/user.ts';
import type { Locale } from '../accounts/user.ts';
import { z } from 'zod';

/** The mails we send; each has its words in every language. */
export const TEMPLATES = [
  'verify_email',
  'account_exists',
  'reset_password',
  'password_changed',
  'account_locked',
  'factor_added',
  'factor_removed',
  'sessions_ended',
  'invitation',
] as const;

export type Template = (typeof TEMPLATES)[number];

export type Email = {
  to: string;
  name: string;
  locale: Locale;
  template: Template;
  /** For mails with a link: the row of `email_tokens` whose secret is made when the mail is sent. */
  emailTokenId?: string | undefined;
  /** For an invitation: the row of `invitations`, whose secret is made when the mail is sent. */
  invitationId?: string | undefined;
};

/** The jobs of the queue, and what each carries: never a secret and never a text. */
export const SEND_EMAIL = 'send_email';
export const REQUEST_LINK = 'request_link';

export const emailSchema = z.strictObject({
  to: z.string(),
  name: z.string(),
  locale: z.enum(LOCALES),
  template: z.enum(TEMPLATES),
  emailTokenId: z.uuid().optional(),
  invitationId: z.uuid().optional(),
});

export const linkRequestSchema = z.strictObject({
  emailKey: z.string(),
  template: z.enum(['verify_email', 'reset_password']),
});

export type LinkRequest = z.infer<typeof linkRequestSchema>;

// The queue waits e^n seconds after the nth failure, e^10 (6 h) at most: the 21st attempt comes just before 3 days are over.
export const ATTEMPTS_MAX = 21;
// Lower goes first: somebody sits before a screen and waits for a link.
const PRIORITY_LINK = 0;
const PRIORITY_NOTICE = 10;

/** Queues a mail in the caller's transaction: it is sent if, and only if, that commits; until it is taken or 3 days over. */
export async function queueEmail(tx: EntityManager, email: Email): Promise<void> {
  const linked = email.emailTokenId ?? email.invitationId;
  await addJob(tx, SEND_EMAIL, email, {
    key: linked === undefined ? null : `link ${linked}`,
    priority: linked === undefined ? PRIORITY_NOTICE : PRIORITY_LINK,
  });
}

/**
 * Queues the question whether an address has an account that may get a link. Asked later and elsewhere, so that neither the
 * answer nor the time it takes tells the caller.
 */
export async function queueLinkRequest(tx: EntityManager, wanted: LinkRequest): Promise<void> {
  // Who asks twice before the first is looked at asked once.
  await addJob(tx, REQUEST_LINK, wanted, {
    key: `${wanted.template} ${wanted.emailKey}`,
    priority: PRIORITY_LINK,
  });
}

async function addJob(
  tx: EntityManager,
  task: string,
  payload: object,
  { key, priority }: { key: string | null; priority: number },
): Promise<void> {
  await tx.execute(
    `select from graphile_worker.add_job(identifier => ?, payload => ?::json, max_attempts => ?, job_key => ?,
       priority => ?)`,
    [task, JSON.stringify(payload), ATTEMPTS_MAX, key, priority],
  );
}
