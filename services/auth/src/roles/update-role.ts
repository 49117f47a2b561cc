import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { UniqueConstraintViolationException, raw } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { findActor, refuseMoreThanOwn } from '../members/actor.ts';
import { Role, lockMembers } from '../members/member.ts';
import type { RoleRow } from '../members/member.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { nameTaken, permissionsSchema, refuseBuiltIn, roleNameSchema, toJson } from './role.ts';

export const updateRoleSchema = z
  .strictObject({ name: roleNameSchema.optional(), permissions: permissionsSchema.optional() })
  .refine((body) => body.name !== undefined || body.permissions !== undefined, 'must change something')
  .meta({ id: 'UpdateRole', description: 'What is to change of a role; what is not named stays' });

/** POST /v1/roles/:id: what it allows from now on, for everybody who has it, within 5 s. Repeating it changes nothing. */
export function updateRole(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const identity = identityOf(request);
    const body = parseWith(updateRoleSchema, request.body);
    refuseBuiltIn(request.params.id);
    const id = fromPublicId('rol', request.params.id);
    if (id === undefined) throw new AppError('not_found');
    const source = auditSourceOf(request);
    const { merchantId } = source;
    const phase = async (tx: EntityManager): Promise<RoleRow> => {
      await lockMembers(tx, merchantId);
      const actor = await findActor(tx, identity, 'roles:write');
      const role = await tx.findOne(Role, { merchantId, id });
      if (role === null) throw new AppError('not_found');
      const before = { name: role.name, permissions: role.permissions };
      const after = { name: body.name ?? before.name, permissions: body.permissions ?? before.permissions };
      // What stays as it is, is not given anew: who may do less may still rename it.
      if (body.permissions !== undefined) refuseMoreThanOwn(actor, body.permissions);
      if (isSame(before, after)) return role;
      const { name, permissions } = after;
      await tx.nativeUpdate(Role, { merchantId, id }, { name, permissions, updatedAt: raw<Date>('now()') });
      await addAuditEvent(tx, source, 'role.updated', toPublicId('rol', id), { before, after });
      await announce(tx, { kind: 'merchant', merchantId });
      return { ...role, ...after };
    };
    try {
      response.json(toJson(await context.orm.em.fork().transactional(phase)));
    } catch (error) {
      throw error instanceof UniqueConstraintViolationException ? nameTaken() : error;
    }
  };
}

type What = { name: string; permissions: readonly string[] };

function isSame(before: What, after: What): boolean {
  return (
    before.name === after.name &&
    before.permissions.length === after.permissions.length &&
    before.permissions.every((permission) => after.permissions.includes(permission))
  );
}
