import { newUuid } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';

/** What happens to a person's account, for the person and for whoever must find out later. */
export type UserAction =
  | 'user.registered'
  | 'email.verified'
  | 'login.succeeded'
  | 'login.failed'
  | 'account.locked'
  | 'session.ended'
  | 'token.reused'
  | 'password.changed'
  | 'password.reset'
  | 'profile.changed'
  | 'factor.added'
  | 'factor.removed'
  | 'recovery_codes.renewed'
  | 'recovery_code.used';

export type UserEventSource = { userId: string; requestId: string; address: string };

/** Adds one event to the person's chain. Call it in the transaction that it describes. */
export async function addUserEvent(
  tx: EntityManager,
  source: UserEventSource,
  action: UserAction,
  details: Record<string, unknown> = {},
): Promise<void> {
  const { userId, requestId, address } = source;
  await tx.execute(
    `insert into user_events (user_id, id, action, request_id, address, details) values (?, ?, ?, ?, ?, ?)`,
    [userId, newUuid(), action, requestId, address, JSON.stringify(details)],
  );
}
