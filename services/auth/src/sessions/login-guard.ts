import { createHash } from 'node:crypto';
import { AppError } from '@centra/service-kit/errors.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Locale } from '../accounts/user.ts';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { queueEmail } from '../emails/queue-email.ts';

// PCI DSS 8.3.4 asks for a lock after 10 at most, of 30 minutes at least.
const FAILURES_MAX = 5;
const LOCK_MINUTES = 30;
// An attempt that was neither judged nor given back by then died with its process. Far longer than a password waits for its
// hash, so that no more than five are ever judged.
const JUDGING_MAX_S = 60;
// What another attempt needs to be judged: a slow hash and the queue before it.
const BUSY_RETRY_S = 2;
// Each failure removes a few rows that say nothing any more; a stranger who makes rows pays for them so.
const PRUNED_AT_ONCE = 5;

/** One try at a password or a code. */
export type Attempt = {
  /** Whose: the address that counts, `emailKeyOf`. */
  emailKey: string;
  address: string;
  requestId: string;
  /** Counted apart in the minute, since a log-in may need both; together for the lock. */
  step: 'password' | 'code';
};

/**
 * Guards an attempt and judges it. A refusal `login_failed` or `second_factor_wrong` counts as a failure; whatever else comes
 * of it gives the attempt back. A whole log-in calls `forgetLoginFailures` in its transaction besides.
 */
export async function judge<T>(context: Context, attempt: Attempt, look: () => Promise<T>): Promise<T> {
  await guardLogin(context, attempt);
  let result: T;
  try {
    result = await look();
  } catch (error) {
    if (isWrong(error)) await noteLoginFailure(context, attempt);
    else await giveBack(context, attempt);
    throw error;
  }
  await giveBack(context, attempt);
  return result;
}

function isWrong(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'login_failed' || error.code === 'second_factor_wrong');
}

/** SHA-256 of the address that counts: no list of the addresses that strangers try comes to be. */
export function accountHashOf(emailKey: string): Buffer {
  return createHash('sha256').update(emailKey).digest();
}

/**
 * Before a password or a code is looked at. Takes one of the account's five attempts: `too_many_attempts` (429, Retry-After)
 * while the account is locked, while five are being judged, or when the address has tried it too often within the minute.
 * Accounts that do not exist are guarded alike. Every attempt ends in exactly one of `noteLoginFailure` and `giveBack`;
 * one that never ends, since its process did, stops counting after a minute.
 */
async function guardLogin(context: Context, attempt: Omit<Attempt, 'requestId'>): Promise<void> {
  const account = accountHashOf(attempt.emailKey);
  await context.loginLimiter.take([account.toString('base64url'), attempt.address, attempt.step].join(' '));
  // One statement, so that of many at once five get through and no sixth. An attempt counts before it is judged.
  const { rowCount } = await context.pool.query(
    `insert into login_guards as guard (account_hash, judging) values ($1, 1)
     on conflict (account_hash) do update set
       failures = ${LIVE_FAILURES},
       last_failed_at = case when ${LIVE_FAILURES} > 0 then guard.last_failed_at end,
       locked_until = null,
       judging = ${LIVE_JUDGING} + 1,
       tried_at = now()
     where coalesce(guard.locked_until <= now(), true) and ${LIVE_FAILURES} + ${LIVE_JUDGING} < ${FAILURES_MAX}`,
    [account],
  );
  if (rowCount !== 1) throw await refusal(context, account);
}

// A lock that is over has used up the failures that led to it.
const LIVE_FAILURES = `(case when guard.locked_until <= now() or guard.last_failed_at <= now() - interval '${LOCK_MINUTES} minutes'
  then 0 else guard.failures end)`;
const LIVE_JUDGING = `(case when guard.tried_at <= now() - interval '${JUDGING_MAX_S} seconds' then 0 else guard.judging end)`;

async function refusal(context: Context, account: Buffer): Promise<AppError> {
  const { rows } = await context.pool.query<{ seconds: number | null }>(
    `select ceil(extract(epoch from locked_until - now()))::int as seconds from login_guards
     where account_hash = $1 and locked_until > now()`,
    [account],
  );
  return new AppError('too_many_attempts', {
    retryAfterSeconds: Math.max(1, rows[0]?.seconds ?? BUSY_RETRY_S),
    internal: `account ${toShortHash(account)} ${rows[0] === undefined ? 'is being tried' : 'is locked'}`,
  });
}

/** Enough of the hash to find an account's lines in the log. */
export function toShortHash(account: Buffer): string {
  return account.toString('hex', 0, 6);
}

/**
 * Counts a failure; the fifth locks the account for 30 minutes. If there is such an account, its person gets the event, and
 * of the lock a mail. The statements are the same when there is none.
 */
async function noteLoginFailure(context: Context, failure: Attempt): Promise<void> {
  await context.orm.em.fork().transactional(async (tx) => {
    // Held first, as in a log-in: two that lock the guard and the person's events in another order would block each other.
    const [person] = await tx.execute<Person[]>(
      'select id, email, name, locale from users where email_key = ? for no key update',
      [failure.emailKey],
    );
    const [noted] = await tx.execute<{ locked: boolean }[]>(NOTE_FAILURE, [
      accountHashOf(failure.emailKey),
      person?.id ?? null,
      newUuid(),
      failure.requestId,
      failure.address,
      JSON.stringify({ step: failure.step }),
      person?.id ?? null,
    ]);
    if (noted === undefined) throw new Error('a failed log-in was not counted');
    if (noted.locked && person !== undefined) await tellOfLock(tx, person, failure);
    await prune(tx);
  });
}

type Person = { id: string; email: string; name: string; locale: Locale };

const NOTE_FAILURE = `
  with counted as (
    insert into login_guards as guard (account_hash, failures, last_failed_at) values (?, 1, now())
    on conflict (account_hash) do update set
      failures = ${LIVE_FAILURES} + 1,
      last_failed_at = now(),
      judging = greatest(${LIVE_JUDGING} - 1, 0),
      locked_until = case when ${LIVE_FAILURES} + 1 >= ${FAILURES_MAX} and coalesce(guard.locked_until <= now(), true)
        then now() + interval '${LOCK_MINUTES} minutes' else guard.locked_until end
    returning coalesce(locked_until = now() + interval '${LOCK_MINUTES} minutes', false) as locked
  ), event as (
    insert into user_events (user_id, id, action, request_id, address, details)
    select ?::uuid, ?::uuid, 'login.failed', ?::text, ?::text, ?::jsonb where ?::uuid is not null
  )
  select locked from counted`;

async function tellOfLock(tx: EntityManager, person: Person, { requestId, address }: Attempt): Promise<void> {
  const { id: userId, email, name, locale } = person;
  await addUserEvent(tx, { userId, requestId, address }, 'account.locked', { minutes: LOCK_MINUTES });
  await queueEmail(tx, { to: email, name, locale, template: 'account_locked' });
}

async function prune(tx: EntityManager): Promise<void> {
  await tx.execute(
    `delete from login_guards where account_hash in (
       select account_hash from login_guards
       where tried_at < now() - interval '${2 * LOCK_MINUTES} minutes' and coalesce(locked_until <= now(), true)
       order by tried_at limit ${PRUNED_AT_ONCE} for update skip locked)`,
  );
}

/**
 * Gives the attempt back without a word on the failures: whoever knows a password could otherwise have the failed codes
 * forgotten by sending it again. What was decided stands, also when this fails: the attempt then stops counting by itself.
 */
async function giveBack(context: Context, { emailKey, requestId }: Attempt): Promise<void> {
  try {
    await context.pool.query(
      `update login_guards set judging = greatest(judging - 1, 0) where account_hash = $1`,
      [accountHashOf(emailKey)],
    );
  } catch (error) {
    context.log.warn({ err: error, requestId }, 'an attempt to log in was not given back');
  }
}

/** Forgets the failures and lifts a lock: after a whole log-in, and after a reset by mail. In the caller's transaction. */
export async function forgetLoginFailures(tx: EntityManager, emailKey: string): Promise<void> {
  await tx.execute(
    `update login_guards set failures = 0, last_failed_at = null, locked_until = null where account_hash = ?`,
    [accountHashOf(emailKey)],
  );
}
