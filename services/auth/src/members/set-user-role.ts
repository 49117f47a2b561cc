import { AppError } from '@centra/service-kit/errors.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { refuseToGive } from './actor.ts';
import { changeMember, keepAnOwner, writeRole } from './change-member.ts';
import { findRole, roleSchema } from './member.ts';

export const setUserRoleSchema = z
  .strictObject({ role: roleSchema })
  .meta({ id: 'SetUserRole', description: 'Another role for somebody' });

/** POST /v1/users/:id/role: bites within 5 s. Repeating it changes nothing. */
export function setUserRole(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const body = parseWith(setUserRoleSchema, request.body);
    const user = await changeMember(context, request, { self: 'refused' }, async (tx, target, actor) => {
      const role = await findRole(tx, target.merchantId, body.role);
      if (role === undefined) throw new AppError('not_found', { detail: 'There is no such role here.' });
      refuseToGive(actor, role);
      if (role.role === target.before.role) return undefined;
      await keepAnOwner(tx, target);
      await writeRole(tx, target, role.columns);
      const details = { before: { role: target.before.role }, after: { role: role.role } };
      return { action: 'member.role_changed', details };
    });
    response.json(user);
  };
}
