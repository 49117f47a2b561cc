import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith } from '@centra/service-kit/http.ts';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { takeSecondFactor } from '../factors/check-second-factor.ts';
import { codeSchema } from '../factors/factor.ts';
import { verifyChallenge } from '../tokens/access-token.ts';
import type { ChallengeClaims } from '../tokens/access-token.ts';
import { holdPerson } from './hold-person.ts';
import type { TokenAnswer } from './issue-tokens.ts';
import { counted } from './login-counter.ts';
import { judge } from './login-guard.ts';
import { openSession } from './open-session.ts';

export const loginWithFactorSchema = z
  .strictObject({
    challenge: z.string().min(1).max(2_048).meta({ description: 'Of the log-in, 5 minutes old at most' }),
    code: codeSchema,
  })
  .meta({ id: 'LoginWithFactor', description: 'The second step of a log-in' });

type Passed = ChallengeClaims & { issuedAt: Date };

/** POST /v1/auth/login/factor: the code that a challenge asks for. A wrong one counts like a wrong password. */
export function loginWithFactor(context: Context): RequestHandler {
  return async (request, response) => {
    const body = parseWith(loginWithFactorSchema, request.body);
    const answer = await counted(context, request, async (who) => {
      const passed = await verifyChallenge(context, body.challenge);
      who.userId = passed.userId;
      const { address, requestId } = contextOf(request);
      const emailKey = await emailKeyOfPerson(context, passed.userId);
      return await judge(context, { emailKey, address, requestId, step: 'code' }, () =>
        enter(context, request, passed, body.code),
      );
    });
    response.setHeader('cache-control', 'no-store');
    response.json(answer);
  };
}

async function emailKeyOfPerson(context: Context, userId: string): Promise<string> {
  const { rows } = await context.pool.query<{ emailKey: string }>(
    'select email_key as "emailKey" from users where id = $1',
    [userId],
  );
  const [person] = rows;
  if (person === undefined) throw new AppError('unauthenticated', { internal: 'challenge of nobody' });
  return person.emailKey;
}

/** The code is used up by the transaction that opens the session: refused at the hotel's door, it can be sent again. */
async function enter(context: Context, request: Request, passed: Passed, code: string): Promise<TokenAnswer> {
  const { address, requestId } = contextOf(request);
  const { userId, merchantId, mode } = passed;
  return await context.orm.em.fork().transactional(async (tx) => {
    const person = await holdPerson(tx, userId, passed.issuedAt);
    if (person === undefined)
      throw new AppError('unauthenticated', { internal: 'the password was changed since the challenge' });
    const factor = await takeSecondFactor(context, tx, { userId, requestId, address }, code);
    if (factor === undefined) throw new AppError('second_factor_wrong');
    const userAgent = request.get('user-agent') ?? '';
    return await openSession(context, tx, person, {
      merchantId,
      mode,
      requestId,
      address,
      userAgent,
      factor,
    });
  });
}
