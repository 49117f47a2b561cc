import { AppError } from '@centra/service-kit/errors.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { accountHashOf } from '../sessions/login-guard.ts';

// More people than any hotel takes on in a week; a loop gone wrong at a client stops here.
const PENDING_MAX = 100;
// One, and a few for whoever deleted it; nobody's mailbox is filled in our name.
const MAILS_AN_HOUR_MAX = 5;

/** 409 when the hotel has 100 invitations that wait to be accepted. Call it under `lockMembers`, before another one does. */
export async function requireRoom(tx: EntityManager, merchantId: string): Promise<void> {
  const [row] = await tx.execute<{ pending: number }[]>(
    `select count(*)::int as pending from invitations
     where merchant_id = ? and accepted_at is null and revoked_at is null and expires_at > now()`,
    [merchantId],
  );
  if ((row?.pending ?? 0) >= PENDING_MAX)
    throw new AppError('state_conflict', {
      detail: `There are ${PENDING_MAX} pending invitations already. Revoke one first.`,
    });
}

/**
 * Counts a mail to an address, whichever hotel it is for; 429 with Retry-After when five were asked for within an hour. The
 * count is the transaction's: what is rolled back was not asked for.
 */
export async function countMail(tx: EntityManager, emailKey: string): Promise<void> {
  const address = accountHashOf(emailKey);
  // Of two hotels that invite at once the second must see the first's mail.
  await tx.execute(
    `select pg_advisory_xact_lock(hashtextextended('invitation mails ' || encode(?, 'hex'), 0))`,
    [address],
  );
  const [full] = await tx.execute<{ seconds: number }[]>(
    `select ceil(extract(epoch from asked_at + interval '1 hour' - clock_timestamp()))::int as seconds
     from invitation_mails where address_hash = ? and asked_at > clock_timestamp() - interval '1 hour'
     order by asked_at desc offset ? limit 1`,
    [address, MAILS_AN_HOUR_MAX - 1],
  );
  if (full !== undefined)
    throw new AppError('too_many_requests', {
      detail: `${MAILS_AN_HOUR_MAX} invitations were sent to that address within the hour.`,
      retryAfterSeconds: Math.max(1, full.seconds),
    });
  await tx.execute('insert into invitation_mails (address_hash) values (?)', [address]);
}
