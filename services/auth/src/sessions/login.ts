import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith } from '@centra/service-kit/http.ts';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { queueLink } from '../accounts/email-token.ts';
import { emailKeyOf } from '../accounts/user.ts';
import type { Context } from '../context.ts';
import { signChallenge } from '../tokens/access-token.ts';
import { hotelChoice, hotelIdOf } from './choose-hotel.ts';
import { holdPerson } from './hold-person.ts';
import { tokensSchema } from './issue-tokens.ts';
import type { TokenAnswer } from './issue-tokens.ts';
import { counted } from './login-counter.ts';
import type { Who } from './login-counter.ts';
import { accountHashOf, judge, toShortHash } from './login-guard.ts';
import { openSession } from './open-session.ts';

export const loginSchema = z
  .strictObject({
    email: z.string().min(1).max(254).meta({ example: 'ana@hotel.example' }),
    // Any text that may ever have been set as a password; the rules for new ones are elsewhere.
    password: z.string().min(1).max(1_024),
    ...hotelChoice,
  })
  .meta({ id: 'Login', description: 'A log-in' });

export const challengeSchema = z
  .object({
    status: z.literal('second_factor_required'),
    challenge: z.string().meta({ description: 'Send it with a code to `/v1/auth/login/factor`' }),
    expires_at: z.iso.datetime({ offset: true }),
  })
  .meta({
    id: 'LoginChallenge',
    description: 'The password is right; a code of the second factor is needed too',
  });

export const loginAnswerSchema = z.union([tokensSchema, challengeSchema]);

type Login = z.infer<typeof loginSchema>;
type Challenge = z.infer<typeof challengeSchema>;

/**
 * POST /v1/auth/login. An account that does not exist passes the same steps as a wrong password: one look at the guard, one
 * at the account, one hash, one failure written.
 */
export function login(context: Context): RequestHandler {
  return async (request, response) => {
    const body = parseWith(loginSchema, request.body);
    const answer = await counted(context, request, (who) => passPassword(context, request, body, who));
    response.setHeader('cache-control', 'no-store');
    response.json(answer);
  };
}

async function passPassword(
  context: Context,
  request: Request,
  body: Login,
  who: Who,
): Promise<TokenAnswer | Challenge> {
  const emailKey = emailKeyOf(body.email);
  who.account = toShortHash(accountHashOf(emailKey));
  const { address, requestId } = contextOf(request);
  return await judge(context, { emailKey, address, requestId, step: 'password' }, async () => {
    const known = await findAccount(context, emailKey);
    who.userId = known?.id;
    const right = await context.passwords.matches(body.password, known?.passwordHash);
    if (!right || known === undefined) throw new AppError('login_failed');
    const passwordHash = await renewHash(context, known, body.password);
    return await enter(context, request, body, { ...known, passwordHash });
  });
}

type Account = { id: string; passwordHash: string };

async function findAccount(context: Context, emailKey: string): Promise<Account | undefined> {
  const { rows } = await context.pool.query<Account>(
    'select id, password_hash as "passwordHash" from users where email_key = $1',
    [emailKey],
  );
  return rows[0];
}

/** Takes up a changed cost while the password is at hand. Not worth refusing a log-in for: it is tried at the next one. */
async function renewHash(context: Context, account: Account, password: string): Promise<string> {
  if (!context.passwords.isOutdated(account.passwordHash)) return account.passwordHash;
  try {
    const renewed = await context.passwords.hash(password);
    const { rowCount } = await context.pool.query(
      'update users set password_hash = $1 where id = $2 and password_hash = $3',
      [renewed, account.id, account.passwordHash],
    );
    return rowCount === 1 ? renewed : account.passwordHash;
  } catch (error) {
    context.log.warn({ err: error }, 'a password was not hashed anew');
    return account.passwordHash;
  }
}

/** What a right password leads to. All that a log-in writes is one transaction. */
async function enter(
  context: Context,
  request: Request,
  body: Login,
  account: Account,
): Promise<TokenAnswer | Challenge> {
  const wanted = { merchantId: hotelIdOf(body.merchant_id), mode: body.mode ?? 'test' } as const;
  const { address, requestId } = contextOf(request);
  const tokens = await context.orm.em.fork().transactional(async (tx) => {
    const person = await holdPerson(tx, account.id);
    // Changed since it was judged: that password is wrong now.
    if (person?.passwordHash !== account.passwordHash) throw new AppError('login_failed');
    if (!person.emailVerified) {
      await queueLink(tx, person, 'verify_email');
      return new AppError('email_not_verified');
    }
    if (person.hasFactor) return undefined;
    const userAgent = request.get('user-agent') ?? '';
    return await openSession(context, tx, person, {
      ...wanted,
      requestId,
      address,
      userAgent,
      factor: undefined,
    });
  });
  // Returned and not thrown in there: the mail stays queued.
  if (tokens instanceof AppError) throw tokens;
  if (tokens !== undefined) return tokens;
  const challenge = await signChallenge(context, { userId: account.id, ...wanted });
  return {
    status: 'second_factor_required',
    challenge: challenge.token,
    expires_at: challenge.expiresAt.toISOString(),
  };
}
