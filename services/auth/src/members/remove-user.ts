import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { changeMember, keepAnOwner } from './change-member.ts';

/**
 * DELETE /v1/users/:id: no longer a member, also of one's own will. Their tokens for this hotel are refused within 5 s; their
 * account, and their work at other hotels, goes on.
 */
export function removeUser(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    await changeMember(context, request, { self: 'allowed' }, async (tx, target) => {
      await keepAnOwner(tx, target);
      await tx.execute('delete from members where merchant_id = ? and user_id = ?', [
        target.merchantId,
        target.userId,
      ]);
      const { role, suspended } = target.before;
      return { action: 'member.removed', details: { before: { role, suspended } } };
    });
    response.status(204).end();
  };
}
