import { AppError } from '@centra/service-kit/errors.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Locale } from '../accounts/user.ts';
import type { Context } from '../context.ts';
import { holdPerson } from '../sessions/hold-person.ts';

/** Whose second factors they are. */
export type Owner = { id: string; email: string; emailKey: string; passwordHash: string };

/** The person of a session that the gateway vouched for; `unauthenticated` when there is none. */
export async function findOwner(context: Context, userId: string): Promise<Owner> {
  const { rows } = await context.pool.query<Owner>(
    `select id, email, email_key as "emailKey", password_hash as "passwordHash" from users where id = $1`,
    [userId],
  );
  if (rows[0] === undefined) throw new AppError('unauthenticated', { internal: 'vouched for nobody' });
  return rows[0];
}

export type HeldOwner = Owner & {
  name: string;
  locale: Locale;
  /** Confirmed ones. */
  factors: number;
  /** Whether the session that asks proved one. */
  factorProved: boolean;
};

/**
 * Reads the person again and holds their row, so that their factors change one at a time. `unauthenticated` when the session
 * that asks has ended meanwhile.
 */
export async function holdOwner(tx: EntityManager, userId: string, sessionId: string): Promise<HeldOwner> {
  const person = await holdPerson(tx, userId);
  const [session] = await tx.execute<{ factors: number; factorProved: boolean }[]>(
    `select factor_at is not null as "factorProved",
       (select count(*)::int from factors where user_id = sessions.user_id and confirmed_at is not null) as factors
     from sessions where user_id = ? and id = ? and ended_at is null and expires_at > now()`,
    [userId, sessionId],
  );
  if (person === undefined || session === undefined)
    throw new AppError('unauthenticated', { internal: 'the session has ended' });
  return { ...person, ...session };
}
