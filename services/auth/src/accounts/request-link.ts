import type { MikroORM } from '@mikro-orm/postgresql';
import { linkRequestSchema } from '../emails/queue-email.ts';
import { queueLink } from './email-token.ts';
import { lockUserByEmail } from './user.ts';

/** The job behind `resend` and `forgot`: a mail with a link, if the address has an account that may get one. */
export async function requestLink(orm: MikroORM, payload: unknown): Promise<void> {
  const { emailKey, template } = linkRequestSchema.parse(payload);
  await orm.em.fork().transactional(async (tx) => {
    const user = await lockUserByEmail(tx, emailKey);
    if (user === undefined || (template === 'verify_email' && user.verified)) return;
    await queueLink(tx, user, template);
  });
}
