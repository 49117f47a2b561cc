import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { changeMember, keepAnOwner } from './change-member.ts';

/** POST /v1/users/:id/suspend: stays a member, and may do nothing here within 5 s. Repeating it changes nothing. */
export function suspendUser(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const user = await changeMember(context, request, { self: 'refused' }, async (tx, target) => {
      if (target.suspended) return undefined;
      await keepAnOwner(tx, target);
      await tx.execute(
        'update members set suspended_at = now(), updated_at = now() where merchant_id = ? and user_id = ?',
        [target.merchantId, target.userId],
      );
      return {
        action: 'member.suspended',
        details: { role: target.before.role, before: { suspended: false }, after: { suspended: true } },
      };
    });
    response.json(user);
  };
}
