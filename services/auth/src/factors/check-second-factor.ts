import type { EntityManager } from '@mikro-orm/postgresql';
import { addUserEvent } from '../audit/user-event.ts';
import type { UserEventSource } from '../audit/user-event.ts';
import type { Context } from '../context.ts';
import { takeRecoveryCode } from './recovery-code.ts';
import { unsealSecret } from './sealed-secret.ts';
import { stepOfCode } from './totp.ts';

/** Whether the person has a confirmed second factor. */
export async function hasSecondFactor(tx: EntityManager, userId: string): Promise<boolean> {
  const [answer] = await tx.execute<{ has: boolean }[]>(
    'select exists (select 1 from factors where user_id = ? and confirmed_at is not null) as has',
    [userId],
  );
  return answer?.has === true;
}

/**
 * Takes a code of an authenticator app, or a recovery code: each is good once, also when it comes twice at the same time.
 * Undefined for a wrong or used one. The caller counts failures (`judge`).
 */
export async function takeSecondFactor(
  context: Pick<Context, 'keyring'>,
  tx: EntityManager,
  source: UserEventSource,
  code: string,
): Promise<'totp' | 'recovery_code' | undefined> {
  const digits = code.replaceAll(/\s/g, '');
  // No recovery code is six digits long.
  if (/^\d{6}$/.test(digits))
    return (await takeTotp(context, tx, source.userId, digits)) ? 'totp' : undefined;
  if (!(await hasSecondFactor(tx, source.userId))) return undefined;
  if (!(await takeRecoveryCode(tx, source.userId, code))) return undefined;
  await addUserEvent(tx, source, 'recovery_code.used');
  return 'recovery_code';
}

type SealedFactor = { id: string; sealedSecret: string; atMs: number };

async function takeTotp(
  { keyring }: Pick<Context, 'keyring'>,
  tx: EntityManager,
  userId: string,
  code: string,
): Promise<boolean> {
  const factors = await tx.execute<SealedFactor[]>(
    `select id, sealed_secret as "sealedSecret", (extract(epoch from clock_timestamp()) * 1000)::float8 as "atMs"
     from factors where user_id = ? and confirmed_at is not null order by id`,
    [userId],
  );
  for (const { id, sealedSecret, atMs } of factors) {
    const step = stepOfCode(unsealSecret(keyring, { userId, id }, sealedSecret), code, atMs);
    if (step !== undefined && (await takeStep(tx, userId, id, step))) return true;
  }
  return false;
}

/** RFC 6238 §5.2: a code is good once, and so is every one before it. Of two that come at once one gets it. */
async function takeStep(tx: EntityManager, userId: string, id: string, step: number): Promise<boolean> {
  const taken = await tx.execute<object[]>(
    `update factors set last_step = ?::bigint
     where user_id = ? and id = ? and (last_step is null or last_step < ?::bigint) returning id`,
    [step, userId, id, step],
  );
  return taken.length === 1;
}
