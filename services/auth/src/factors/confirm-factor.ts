import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith, userOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { addUserEvent } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { queueEmail } from '../emails/queue-email.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { personOf } from '../sessions/session.ts';
import { CONFIRM_MINUTES, codeSchema, factorSchema, recoveryCodesSchema } from './factor.ts';
import { holdOwner } from './owner.ts';
import { replaceRecoveryCodes } from './recovery-code.ts';
import { unsealSecret } from './sealed-secret.ts';
import { stepOfCode } from './totp.ts';

export const confirmFactorSchema = z
  .strictObject({ code: codeSchema })
  .meta({ id: 'ConfirmFactor', description: 'The first code of a second factor' });

export const confirmedFactorSchema = z
  .object({
    factor: factorSchema,
    recovery_codes: recoveryCodesSchema.optional().meta({
      description:
        'With the first factor only. Ten codes, each good once in place of the app. Shown this once.',
      example: ['k3fh-92mz-7wqt-x0cd-5bnr-8gvp-1jys'],
    }),
  })
  .meta({ id: 'ConfirmedFactor', description: 'A second factor that is asked for from now on' });

type Confirmed = z.infer<typeof confirmedFactorSchema>;

/**
 * POST /v1/auth/factors/:id/confirm: its first right code. From then on it is asked for at log-in, and the session that
 * confirms counts as proved. A wrong code here is no failed log-in: whoever sends it was just given the secret.
 */
export function confirmFactor(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const { code } = parseWith(confirmFactorSchema, request.body);
    const id = fromPublicId('fac', request.params.id);
    if (id === undefined) throw new AppError('not_found');
    const confirmed = await context.orm.em
      .fork()
      .transactional((tx) => confirm(context, tx, request, id, code));
    response.setHeader('cache-control', 'no-store');
    response.json(confirmed);
  };
}

async function confirm(
  context: Context,
  tx: EntityManager,
  request: Request<{ id: string }>,
  id: string,
  code: string,
): Promise<Confirmed> {
  const { userId, sessionId } = personOf(userOf(request));
  const { address, requestId } = contextOf(request);
  const owner = await holdOwner(tx, userId, sessionId);
  const waiting = await findWaiting(tx, userId, id);
  const secret = unsealSecret(context.keyring, { userId, id }, waiting.sealedSecret);
  const step = stepOfCode(secret, code.replaceAll(/\s/g, ''), waiting.nowMs);
  if (step === undefined) throw new AppError('second_factor_wrong');
  await tx.execute(
    'update factors set confirmed_at = now(), last_step = ?::bigint where user_id = ? and id = ?',
    [step, userId, id],
  );
  await tx.execute('update sessions set factor_at = now() where user_id = ? and id = ?', [userId, sessionId]);
  // What is remembered of the session says that it has proved none.
  await announce(tx, { kind: 'session', sessionId: toPublicId('ses', sessionId) });
  const codes = owner.factors === 0 ? await replaceRecoveryCodes(tx, userId) : undefined;
  await addUserEvent(tx, { userId, requestId, address }, 'factor.added', {
    factor_id: toPublicId('fac', id),
  });
  await queueEmail(tx, {
    to: owner.email,
    name: owner.name,
    locale: owner.locale,
    template: 'factor_added',
  });
  return {
    factor: {
      id: toPublicId('fac', id),
      name: waiting.name,
      kind: 'totp',
      confirmed: true,
      created_at: new Date(waiting.createdMs).toISOString(),
    },
    ...(codes === undefined ? {} : { recovery_codes: codes }),
  };
}

type Waiting = { name: string; sealedSecret: string; createdMs: number; nowMs: number };

/** `not_found` when there is none, or it waited too long; `state_conflict` when it is confirmed already. */
async function findWaiting(tx: EntityManager, userId: string, id: string): Promise<Waiting> {
  const [found] = await tx.execute<(Waiting & { confirmed: boolean; late: boolean })[]>(
    `select name, sealed_secret as "sealedSecret", confirmed_at is not null as confirmed,
       created_at <= now() - interval '${CONFIRM_MINUTES} minutes' as late,
       (extract(epoch from created_at) * 1000)::float8 as "createdMs",
       (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"
     from factors where user_id = ? and id = ?`,
    [userId, id],
  );
  if (found?.confirmed === true)
    throw new AppError('state_conflict', { detail: 'This second factor is confirmed already.' });
  if (found === undefined || found.late) throw new AppError('not_found');
  return found;
}
