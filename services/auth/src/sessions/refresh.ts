import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Locale } from '../accounts/user.ts';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { queueEmail } from '../emails/queue-email.ts';
import { enterHotel, hotelChoice, hotelIdOf, onlyHotel } from './choose-hotel.ts';
import { issueTokens } from './issue-tokens.ts';
import type { TokenAnswer } from './issue-tokens.ts';
import { outcomeOf } from './login-counter.ts';
import { SESSION_DAYS } from './open-session.ts';
import { newRefreshToken, readRefreshToken } from './refresh-token.ts';
import { endSessions } from './session.ts';

// However often it is refreshed, a session ends: then the password is asked for again.
const SESSION_DAYS_MAX = 90;
// A client that refreshes as fast as it may keeps so many used tokens; an older one is refused without ending the session.
const USED_TOKENS_MAX = 1_000;

export const refreshSchema = z
  .strictObject({
    // Longer than a token, so that another text is refused like any other token that is none of ours.
    refresh_token: z.string().min(1).max(2_048),
    merchant_id: hotelChoice.merchant_id.meta({
      description:
        'Another hotel from now on. Without it: the one of the tokens before, while it lets the person in.',
      example: 'mer_01jd0000000000000000000000',
    }),
    mode: hotelChoice.mode.meta({ description: 'Without it: that of the tokens before', example: 'test' }),
  })
  .meta({ id: 'Refresh', description: 'A refresh token, and where to go with it' });

type Refresh = z.infer<typeof refreshSchema>;
type Presented = NonNullable<ReturnType<typeof readRefreshToken>>;

/**
 * POST /v1/auth/refresh. A token is good once: of two that use it at the same time one gets the next tokens, and the other
 * ends the session, since one of the two may be a thief. Every refusal of a token is the same 401. Refused at a hotel's door,
 * the token stays good.
 */
export function refresh(context: Context): RequestHandler {
  return async (request, response) => {
    const body = parseWith(refreshSchema, request.body);
    const { requestId, address } = contextOf(request);
    const presented = readRefreshToken(body.refresh_token);
    try {
      const answer = await rotate(context, presented, body);
      context.refreshes.inc({ outcome: 'refreshed' });
      response.setHeader('cache-control', 'no-store');
      response.json(answer);
    } catch (error) {
      const reused = isRefused(error) && (await endIfReused(context, presented, { requestId, address }));
      const outcome = reused ? 'token_reused' : outcomeOf(error);
      const sessionId = presented === undefined ? undefined : toPublicId('ses', presented.sessionId);
      context.refreshes.inc({ outcome });
      context.log.info({ outcome, sessionId, address, requestId }, 'refresh refused');
      throw error;
    }
  };
}

function isRefused(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unauthenticated';
}

/** Uses the token up and makes the next, all or nothing. */
async function rotate(
  context: Context,
  presented: Presented | undefined,
  body: Refresh,
): Promise<TokenAnswer> {
  if (presented === undefined) throw refused('malformed');
  return await context.orm.em.fork().transactional(async (tx) => {
    await useToken(tx, presented);
    const session = await prolong(tx, presented.sessionId);
    const chooser = { userId: session.userId, factorProved: session.factorProved };
    const wanted = hotelIdOf(body.merchant_id);
    if (wanted !== undefined) await enterHotel(tx, chooser, wanted);
    const merchantId = wanted ?? (await onlyHotel(tx, chooser, session.merchantId));
    const mode = body.mode ?? session.mode;
    if (merchantId !== session.merchantId || mode !== session.mode)
      await tx.execute('update sessions set merchant_id = ?, mode = ? where id = ?', [
        merchantId,
        mode,
        presented.sessionId,
      ]);
    const { text } = await nextToken(tx, presented);
    const { userId: id, email, name, locale, factorProved } = session;
    return await issueTokens(context, {
      person: { id, email, name, locale },
      sessionId: presented.sessionId,
      expiresAt: new Date(session.expiresMs),
      merchantId,
      mode,
      factorProved,
      refreshToken: text,
    });
  });
}

/** Of two at once the second waits here for the first, and then finds the token used. */
async function useToken(tx: EntityManager, { sessionId, generation, hash }: Presented): Promise<void> {
  const used = await tx.execute<object[]>(
    `update refresh_tokens set used_at = now()
     where session_id = ? and generation = ? and secret_hash = ? and used_at is null returning generation`,
    [sessionId, generation, hash],
  );
  if (used.length !== 1) throw refused('unknown or used');
}

type Prolonged = {
  userId: string;
  email: string;
  name: string;
  locale: Locale;
  merchantId: string | null;
  mode: 'test' | 'live';
  factorProved: boolean;
  expiresMs: number;
};

async function prolong(tx: EntityManager, sessionId: string): Promise<Prolonged> {
  const [session] = await tx.execute<Prolonged[]>(
    `update sessions as session set last_used_at = now(),
       expires_at = least(now() + interval '${SESSION_DAYS} days', session.created_at + interval '${SESSION_DAYS_MAX} days')
     from users as person
     where session.id = ? and person.id = session.user_id and session.ended_at is null and session.expires_at > now()
     returning session.user_id as "userId", person.email, person.name, person.locale,
       session.merchant_id as "merchantId", session.mode, session.factor_at is not null as "factorProved",
       (extract(epoch from session.expires_at) * 1000)::float8 as "expiresMs"`,
    [sessionId],
  );
  if (session === undefined) throw refused('the session has ended');
  return session;
}

/**
 * Stores the next token. Used ones are kept to know them again; one that is older than a session lives unused was not good
 * any more in any case.
 */
async function nextToken(
  tx: EntityManager,
  { sessionId, generation }: Presented,
): Promise<ReturnType<typeof newRefreshToken>> {
  const next = newRefreshToken(sessionId, generation + 1);
  await tx.execute('insert into refresh_tokens (session_id, generation, secret_hash) values (?, ?, ?)', [
    sessionId,
    generation + 1,
    next.hash,
  ]);
  await tx.execute(
    `delete from refresh_tokens where session_id = ? and used_at is not null
       and (generation <= ? or used_at < now() - interval '${SESSION_DAYS} days')`,
    [sessionId, generation - USED_TOKENS_MAX],
  );
  return next;
}

/**
 * Ends the session of a token that was used before, and tells its person. Answers whether it was one; a session that has
 * ended is told of once.
 */
async function endIfReused(
  context: Context,
  presented: Presented | undefined,
  source: { requestId: string; address: string },
): Promise<boolean> {
  if (presented === undefined) return false;
  const { sessionId, generation, hash } = presented;
  return await context.orm.em.fork().transactional(async (tx) => {
    const [owner] = await tx.execute<{ userId: string; email: string; name: string; locale: Locale }[]>(
      `select person.id as "userId", person.email, person.name, person.locale
       from refresh_tokens as token join sessions as session on session.id = token.session_id
         join users as person on person.id = session.user_id
       where token.session_id = ? and token.generation = ? and token.secret_hash = ? and token.used_at is not null`,
      [sessionId, generation, hash],
    );
    if (owner === undefined) return false;
    const { userId, email, name, locale } = owner;
    if ((await endSessions(tx, userId, { reason: 'token_reused', only: sessionId })) === 0) return true;
    await addUserEvent(tx, { userId, ...source }, 'token.reused', {
      session_id: toPublicId('ses', sessionId),
    });
    await queueEmail(tx, { to: email, name, locale, template: 'sessions_ended' });
    return true;
  });
}

function refused(internal: string): AppError {
  return new AppError('unauthenticated', { internal: `refresh token: ${internal}` });
}
