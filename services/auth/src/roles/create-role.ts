import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { addAuditEvent, auditSourceOf } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { findActor, refuseMoreThanOwn } from '../members/actor.ts';
import { Role, lockMembers } from '../members/member.ts';
import type { RoleRow } from '../members/member.ts';
import { nameTaken, permissionsSchema, roleNameSchema, toJson } from './role.ts';

export const createRoleSchema = z
  .strictObject({ name: roleNameSchema, permissions: permissionsSchema })
  .meta({ id: 'CreateRole', description: 'A new role' });

// More than people can tell apart; a loop gone wrong at a client stops here.
const ROLES_MAX = 50;

/** POST /v1/roles: a role of the hotel's own that allows no more than its maker may do. */
export function createRole(context: Context): RequestHandler {
  return async (request, response) => {
    const identity = identityOf(request);
    const { name, permissions } = parseWith(createRoleSchema, request.body);
    const source = auditSourceOf(request);
    const { merchantId } = source;
    const phase = async (tx: EntityManager): Promise<RoleRow> => {
      await lockMembers(tx, merchantId);
      refuseMoreThanOwn(await findActor(tx, identity, 'roles:write'), permissions);
      if ((await tx.count(Role, { merchantId })) >= ROLES_MAX)
        throw new AppError('state_conflict', {
          detail: `There are ${ROLES_MAX} roles already. Delete one first.`,
        });
      const role = tx.create(Role, { merchantId, id: newUuid(), name, permissions });
      await tx.flush();
      const after = { name, permissions };
      await addAuditEvent(tx, source, 'role.created', toPublicId('rol', role.id), { after });
      return role;
    };
    try {
      response.status(201).json(toJson(await context.orm.em.fork().transactional(phase)));
    } catch (error) {
      throw error instanceof UniqueConstraintViolationException ? nameTaken() : error;
    }
  };
}
