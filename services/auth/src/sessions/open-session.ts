import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Secret } from '@centra/service-kit/secret.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { enterHotel, onlyHotel } from './choose-hotel.ts';
import { issueTokens } from './issue-tokens.ts';
import type { TokenAnswer } from './issue-tokens.ts';
import type { HeldPerson } from './hold-person.ts';
import { forgetLoginFailures } from './login-guard.ts';
import { newRefreshToken } from './refresh-token.ts';

// PCI DSS leaves it open; a week without any use is a device that nobody misses.
export const SESSION_DAYS = 7;
// A person's devices many times over; a script that logs in again and again stops here instead of filling the table.
const OPEN_SESSIONS_MAX = 50;
// A header may be 16 KiB; what tells one browser from another stands in front.
const USER_AGENT_MAX_LENGTH = 200;
// What has ended is of no use to anybody but whoever looks into an incident; user_events keep the rest.
const KEPT_DAYS = 30;
const PRUNED_AT_ONCE = 20;

export type NewSession = {
  requestId: string;
  address: string;
  userAgent: string;
  /** UUID. */
  merchantId: string | undefined;
  mode: 'test' | 'live';
  /** How the second factor was proved; undefined when it was not. */
  factor: 'totp' | 'recovery_code' | undefined;
};

/** The end of a log-in, in the caller's transaction: session, refresh token, event, forgotten failures; then the tokens. */
export async function openSession(
  context: Context,
  tx: EntityManager,
  person: HeldPerson,
  wanted: NewSession,
): Promise<TokenAnswer> {
  const chooser = { userId: person.id, factorProved: wanted.factor !== undefined };
  const { mode } = wanted;
  if (wanted.merchantId !== undefined) await enterHotel(tx, chooser, wanted.merchantId);
  const merchantId = wanted.merchantId ?? (await onlyHotel(tx, chooser, null));
  const session = await insertSession(tx, person.id, { ...wanted, merchantId });
  await endOldest(tx, person.id);
  await prune(tx);
  const { requestId, address } = wanted;
  await addUserEvent(tx, { userId: person.id, requestId, address }, 'login.succeeded', {
    session_id: toPublicId('ses', session.sessionId),
    merchant_id: merchantId === null ? null : toPublicId('mer', merchantId),
    mode,
    second_factor: wanted.factor ?? null,
  });
  await forgetLoginFailures(tx, person.emailKey);
  return await issueTokens(context, {
    person,
    ...session,
    merchantId,
    mode,
    factorProved: chooser.factorProved,
  });
}

async function insertSession(
  tx: EntityManager,
  userId: string,
  wanted: Omit<NewSession, 'merchantId'> & { merchantId: string | null },
): Promise<{ sessionId: string; expiresAt: Date; refreshToken: Secret }> {
  const sessionId = newUuid();
  const [session] = await tx.execute<{ expiresMs: number }[]>(
    `insert into sessions (user_id, id, expires_at, address, user_agent, merchant_id, mode, factor_at)
     values (?, ?, now() + interval '${SESSION_DAYS} days', ?, ?, ?, ?, case when ?::boolean then now() end)
     returning (extract(epoch from expires_at) * 1000)::float8 as "expiresMs"`,
    [
      userId,
      sessionId,
      wanted.address,
      wanted.userAgent.slice(0, USER_AGENT_MAX_LENGTH),
      wanted.merchantId,
      wanted.mode,
      wanted.factor !== undefined,
    ],
  );
  if (session === undefined) throw new Error('a session was not stored');
  const { text, hash } = newRefreshToken(sessionId, 1);
  await tx.execute('insert into refresh_tokens (session_id, generation, secret_hash) values (?, 1, ?)', [
    sessionId,
    hash,
  ]);
  return { sessionId, expiresAt: new Date(session.expiresMs), refreshToken: text };
}

async function endOldest(tx: EntityManager, userId: string): Promise<void> {
  const ended = await tx.execute<{ id: string }[]>(
    `update sessions set ended_at = now(), ended_reason = 'too_many' where user_id = ? and id in (
       select id from sessions where user_id = ? and ended_at is null and expires_at > now()
       order by last_used_at desc, id desc offset ${OPEN_SESSIONS_MAX})
     returning id`,
    [userId, userId],
  );
  for (const { id } of ended) await announce(tx, { kind: 'session', sessionId: toPublicId('ses', id) });
}

async function prune(tx: EntityManager): Promise<void> {
  await tx.execute(
    `delete from sessions where id in (
       select id from sessions where expires_at < now() - interval '${KEPT_DAYS} days'
       order by expires_at limit ${PRUNED_AT_ONCE} for update skip locked)`,
  );
}
