import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith, userOf } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { judge } from '../sessions/login-guard.ts';
import { personOf } from '../sessions/session.ts';
import { factorNameSchema, factorSchema } from './factor.ts';
import { findOwner, holdOwner } from './owner.ts';
import type { Owner } from './owner.ts';
import { sealSecret } from './sealed-secret.ts';
import { newTotpSecret, toOtpauthUri } from './totp.ts';

// A phone, a spare one, and a few more; each is a way in.
const FACTORS_MAX = 5;

export const addFactorSchema = z
  .strictObject({ name: factorNameSchema, password: z.string().min(1).max(1_024) })
  .meta({ id: 'AddFactor', description: 'A new second factor' });

export const addedFactorSchema = factorSchema
  .extend({
    secret: z.string().meta({ description: 'For typing into the app, base32. Shown this once.' }),
    otpauth_uri: z.string().meta({ description: 'For showing as a QR code. Shown this once.' }),
  })
  .meta({ id: 'AddedFactor', description: 'A second factor that waits for its first code' });

type Added = z.infer<typeof addedFactorSchema>;

/**
 * POST /v1/auth/factors: a shared secret for an app. It protects nothing until its first code came, within 15 minutes; one
 * that waited before is replaced. Whoever has a second factor adds another only from a session that proved one.
 */
export function addFactor(context: Context): RequestHandler {
  return async (request, response) => {
    const body = parseWith(addFactorSchema, request.body);
    const { userId } = personOf(userOf(request));
    const { address, requestId } = contextOf(request);
    const owner = await findOwner(context, userId);
    const attempt = { emailKey: owner.emailKey, address, requestId, step: 'password' } as const;
    const added = await judge(context, attempt, async () => {
      if (!(await context.passwords.matches(body.password, owner.passwordHash)))
        throw new AppError('login_failed');
      return await add(context, request, owner, body.name);
    });
    response.setHeader('cache-control', 'no-store');
    response.status(201).json(added);
  };
}

async function add(context: Context, request: Request, owner: Owner, name: string): Promise<Added> {
  const { userId, sessionId } = personOf(userOf(request));
  const id = newUuid();
  const secret = newTotpSecret();
  const createdMs = await context.orm.em.fork().transactional(async (tx) => {
    const held = await holdOwner(tx, userId, sessionId);
    if (held.passwordHash !== owner.passwordHash) throw new AppError('login_failed');
    if (held.factors > 0 && !held.factorProved) throw new AppError('second_factor_required');
    if (held.factors >= FACTORS_MAX)
      throw new AppError('state_conflict', {
        detail: `There are ${FACTORS_MAX} second factors already. Remove one first.`,
      });
    return await insert(tx, { userId, id }, name, sealSecret(context.keyring, { userId, id }, secret.bytes));
  });
  return {
    id: toPublicId('fac', id),
    name,
    kind: 'totp',
    confirmed: false,
    created_at: new Date(createdMs).toISOString(),
    secret: secret.base32,
    otpauth_uri: toOtpauthUri(secret, owner.email),
  };
}

async function insert(
  tx: EntityManager,
  { userId, id }: { userId: string; id: string },
  name: string,
  sealed: string,
): Promise<number> {
  await tx.execute('delete from factors where user_id = ? and confirmed_at is null', [userId]);
  const [created] = await tx.execute<{ createdMs: number }[]>(
    `insert into factors (user_id, id, kind, name, sealed_secret) values (?, ?, 'totp', ?, ?)
     returning (extract(epoch from created_at) * 1000)::float8 as "createdMs"`,
    [userId, id, name, sealed],
  );
  if (created === undefined) throw new Error('a second factor was not stored');
  return created.createdMs;
}
