import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { findActor } from '../members/actor.ts';
import type { Actor } from '../members/actor.ts';
import { lockMembers } from '../members/member.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { toJson, updateSecuritySchema } from './security.ts';

/**
 * POST /v1/security. Sessions without a second factor are barred from the hotel within 5 s of its being required, so whoever
 * requires it must have proved one in the session that asks: 409 otherwise. Repeating it changes nothing.
 */
export function updateSecurity(context: Context): RequestHandler {
  return async (request, response) => {
    const identity = identityOf(request);
    const { second_factor_required: wanted } = parseWith(updateSecuritySchema, request.body);
    const source = auditSourceOf(request);
    const { merchantId } = source;
    await context.orm.em.fork().transactional(async (tx) => {
      await lockMembers(tx, merchantId);
      const actor = await findActor(tx, identity, 'security:write');
      const before = await isRequired(tx, merchantId);
      if (before === wanted) return;
      if (wanted) await requireSecondFactor(tx, identity, actor);
      await tx.execute(WRITE, [merchantId, wanted]);
      const details = { before: toJson(before), after: toJson(wanted) };
      await addAuditEvent(tx, source, 'security.changed', toPublicId('mer', merchantId), details);
      await announce(tx, { kind: 'merchant', merchantId });
    });
    response.json(toJson(wanted));
  };
}

async function isRequired(tx: EntityManager, merchantId: string): Promise<boolean> {
  const [row] = await tx.execute<{ second_factor_required: boolean }[]>(
    'select second_factor_required from merchant_access where merchant_id = ?',
    [merchantId],
  );
  return row?.second_factor_required ?? false;
}

async function requireSecondFactor(tx: EntityManager, identity: Identity, actor: Actor): Promise<void> {
  const sessionId = fromPublicId('ses', identity.sessionId ?? '');
  const proved =
    sessionId === undefined
      ? []
      : await tx.execute<unknown[]>(
          'select from sessions where user_id = ? and id = ? and ended_at is null and factor_at is not null',
          [actor.userId, sessionId],
        );
  if (proved.length === 0)
    throw new AppError('state_conflict', {
      detail: 'Log in with a second factor first, or this session would be the first to be shut out.',
    });
}

const WRITE = `
insert into merchant_access (merchant_id, second_factor_required) values (?, ?)
on conflict (merchant_id) do update
  set second_factor_required = excluded.second_factor_required, updated_at = now()`;
