import type { Logger } from '@centra/service-kit/log.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { Secret } from '@centra/service-kit/secret.ts';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { JobHelpers } from 'graphile-worker';
import { makeLinkSecret } from '../accounts/email-token.ts';
import type { MailConfig } from '../config.ts';
import { makeInvitationSecret } from '../invitations/invitation-link.ts';
import { MailRefused } from './post-office.ts';
import type { PostOffice } from './post-office.ts';
import { emailSchema } from './queue-email.ts';
import type { Email, Template } from './queue-email.ts';
import { renderEmail } from './render-email.ts';
import type { RenderedEmail } from './render-email.ts';

type Parts = { orm: MikroORM; log: Logger; office: PostOffice; config: MailConfig; count: EmailCounter };

/** What became of a mail. `failed` is tried again; `overtaken` had a link that was used or replaced before it was sent. */
type Outcome = 'sent' | 'failed' | 'given_up' | 'refused' | 'overtaken';

export type EmailCounter = (template: Template, outcome: Outcome) => void;

export function emailCounter(metrics: Metrics): EmailCounter {
  const counter = metrics.counter('centra_auth_emails_total', 'Mails by what became of them', [
    'template',
    'outcome',
  ]);
  return (template, outcome) => counter.inc({ template, outcome });
}

// Above every limit of one conversation with a mail server, for a server that answers each line just in time.
const SEND_TIMEOUT_MS = 60_000;

/**
 * Sends one queued mail; throws when it is to be tried again. After a crash it may be sent twice, never not at all, and the
 * link of the last one works.
 */
export async function sendEmail(
  parts: Parts,
  payload: unknown,
  { job, abortSignal }: JobHelpers,
): Promise<void> {
  const email = emailSchema.parse(payload);
  const { template } = email;
  const mail = await compose(parts, email);
  if (mail === undefined) {
    parts.count(template, 'overtaken');
    return;
  }
  try {
    await orAbort(
      parts.office.take(email.to, mail),
      AbortSignal.any([
        AbortSignal.timeout(SEND_TIMEOUT_MS),
        ...(abortSignal === undefined ? [] : [abortSignal]),
      ]),
    );
  } catch (error) {
    const outcome =
      error instanceof MailRefused ? 'refused' : job.attempts >= job.max_attempts ? 'given_up' : 'failed';
    parts.count(template, outcome);
    if (outcome === 'failed') throw error;
    // The end of the job: whoever waits for the mail has to ask again.
    parts.log.error({ err: error, template, job: job.id, attempts: job.attempts }, 'mail is not sent');
    return;
  }
  parts.count(template, 'sent');
}

/** The mail with a new secret in its link; undefined when the link is no good any more. */
async function compose({ orm, config }: Parts, email: Email): Promise<RenderedEmail | undefined> {
  const { template, locale, name, emailTokenId, invitationId } = email;
  const { dashboardUrl } = config;
  const facts = { template, locale, name, dashboardUrl };
  if (invitationId !== undefined) {
    const made = await makeInvitationSecret(orm.em.fork(), invitationId);
    if (made === undefined) return undefined;
    const link = linkTo(dashboardUrl, 'invitations', made.secret);
    return renderEmail({ ...facts, link, invitation: made.facts });
  }
  if (emailTokenId === undefined) return renderEmail({ ...facts, link: undefined });
  const secret = await makeLinkSecret(orm.em.fork(), emailTokenId);
  if (secret === undefined) return undefined;
  const page = template === 'verify_email' ? 'verify-email' : 'reset-password';
  return renderEmail({ ...facts, link: linkTo(dashboardUrl, page, secret) });
}

/** The secret stands behind `#`: browsers send that part to no server, so that it gets into nobody's log. */
function linkTo(dashboardUrl: string, page: string, secret: Secret): string {
  return `${dashboardUrl}/${page}#token=${secret.reveal()}`;
}

/** The promise's result, or a rejection once the signal aborts: then nobody waits for it any more. */
async function orAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener(
      'abort',
      () => reject(new Error('sending the mail took too long or was stopped')),
      {
        once: true,
      },
    );
  });
  await Promise.race([promise, aborted]);
}
