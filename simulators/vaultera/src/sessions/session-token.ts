import { createHash } from 'node:crypto';
import { sessionRejected } from '../assumptions.ts';
import type { Context } from '../context.ts';
import type { Session, SessionScope } from '../state.ts';

/** The unspent session behind a token, left unspent. Throws when it is unknown, used, expired or of another scope. */
export function findSession(ctx: Context, token: string | undefined, scope: SessionScope): Session {
  const session = token === undefined ? undefined : ctx.state.sessions.get(sessionHash(token));
  if (session === undefined || session.scope !== scope || isExpired(ctx, session)) {
    throw sessionRejected(ctx.assumptions);
  }
  return session;
}

/**
 * Takes the session out of use at once: of two racing requests one gets it and the other is refused.
 * The caller journals the returned snapshot together with what the session was used for.
 */
export function claimSession(ctx: Context, token: string | undefined, scope: SessionScope): Session {
  const session = findSession(ctx, token, scope);
  ctx.state.sessions.delete(session.token_hash);
  return { ...session, spent: true };
}

/** Drops expired sessions from memory; the map is in order of creation, so it stops at the first live one. */
export function forgetExpiredSessions(ctx: Context): void {
  for (const session of ctx.state.sessions.values()) {
    if (!isExpired(ctx, session)) return;
    ctx.state.sessions.delete(session.token_hash);
  }
}

/** A session token is a credential, so only its hash is kept. */
export function sessionHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function isExpired(ctx: Context, session: Session): boolean {
  return Date.parse(session.expires_at) <= ctx.clock.nowMs();
}
