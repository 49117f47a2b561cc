import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith, userOf } from '@centra/service-kit/http.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { judge } from '../sessions/login-guard.ts';
import { personOf } from '../sessions/session.ts';
import { takeSecondFactor } from './check-second-factor.ts';
import { codeSchema, recoveryCodesSchema } from './factor.ts';
import { findOwner, holdOwner } from './owner.ts';
import { replaceRecoveryCodes } from './recovery-code.ts';

export const renewRecoveryCodesSchema = z
  .strictObject({ code: codeSchema })
  .meta({ id: 'RenewRecoveryCodes', description: 'A code that proves a second factor' });

export const renewedRecoveryCodesSchema = z
  .object({ recovery_codes: recoveryCodesSchema })
  .meta({ id: 'RecoveryCodes', description: 'New recovery codes' });

/** POST /v1/auth/factors/recovery-codes: ten new ones; the ones before are worthless. */
export function renewRecoveryCodes(context: Context): RequestHandler {
  return async (request, response) => {
    const { code } = parseWith(renewRecoveryCodesSchema, request.body);
    const { userId } = personOf(userOf(request));
    const { address, requestId } = contextOf(request);
    const { emailKey } = await findOwner(context, userId);
    const codes = await judge(context, { emailKey, address, requestId, step: 'code' }, () =>
      context.orm.em.fork().transactional((tx) => renew(context, tx, request, code)),
    );
    response.setHeader('cache-control', 'no-store');
    response.json({ recovery_codes: codes });
  };
}

async function renew(context: Context, tx: EntityManager, request: Request, code: string): Promise<string[]> {
  const { userId, sessionId } = personOf(userOf(request));
  const { address, requestId } = contextOf(request);
  const held = await holdOwner(tx, userId, sessionId);
  if (held.factors === 0) throw new AppError('state_conflict', { detail: 'There is no second factor yet.' });
  const source = { userId, requestId, address };
  if ((await takeSecondFactor(context, tx, source, code)) === undefined)
    throw new AppError('second_factor_wrong');
  await addUserEvent(tx, source, 'recovery_codes.renewed');
  return await replaceRecoveryCodes(tx, userId);
}
