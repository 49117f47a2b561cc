import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { refuseMoreThanOwn } from './actor.ts';
import { changeMember } from './change-member.ts';
import { findRole } from './member.ts';

/** POST /v1/users/:id/restore: a suspended member may do again what their role allows. Repeating it changes nothing. */
export function restoreUser(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const user = await changeMember(context, request, { self: 'refused' }, async (tx, target, actor) => {
      if (!target.suspended) return undefined;
      // To let somebody in again is to grant what their role allows.
      const role = await findRole(tx, target.merchantId, target.before.role);
      refuseMoreThanOwn(actor, role?.permissions ?? []);
      await tx.execute(
        'update members set suspended_at = null, updated_at = now() where merchant_id = ? and user_id = ?',
        [target.merchantId, target.userId],
      );
      return {
        action: 'member.restored',
        details: { role: target.before.role, before: { suspended: true }, after: { suspended: false } },
      };
    });
    response.json(user);
  };
}
