import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { ForeignKeyConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { findActor } from '../members/actor.ts';
import { lockMembers } from '../members/member.ts';
import { refuseBuiltIn } from './role.ts';

/** DELETE /v1/roles/:id: for good. 409 while a member has it, which the foreign key sees. */
export function deleteRole(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    refuseBuiltIn(request.params.id);
    const id = fromPublicId('rol', request.params.id);
    if (id === undefined) throw new AppError('not_found');
    const source = auditSourceOf(request);
    const { merchantId } = source;
    const phase = async (tx: EntityManager): Promise<void> => {
      await lockMembers(tx, merchantId);
      await findActor(tx, identityOf(request), 'roles:write');
      const [before] = await tx.execute<{ name: string; permissions: string[] }[]>(
        'delete from roles where merchant_id = ? and id = ? returning name, permissions',
        [merchantId, id],
      );
      if (before === undefined) throw new AppError('not_found');
      await addAuditEvent(tx, source, 'role.deleted', toPublicId('rol', id), { before });
    };
    try {
      await context.orm.em.fork().transactional(phase);
    } catch (error) {
      throw error instanceof ForeignKeyConstraintViolationException ? new AppError('role_in_use') : error;
    }
    response.status(204).end();
  };
}
