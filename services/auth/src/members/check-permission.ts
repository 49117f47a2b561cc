import type { CheckPermissionRequest, CheckPermissionResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { toRole } from './member.ts';
import type { RoleColumns } from './member.ts';

/**
 * CheckPermission: whether a person may do that at a hotel at this moment, read from the database. Whatever is not known (the
 * person, the hotel, the permission) is not allowed. Says nothing of second factors, which belong to a session.
 */
export async function checkPermission(
  context: Context,
  request: CheckPermissionRequest,
  _call: CallContext,
): Promise<CheckPermissionResponse> {
  const userId = fromPublicId('usr', request.userId);
  const merchantId = z.uuid().safeParse(request.merchantId).data;
  if (userId === undefined || merchantId === undefined) return { allowed: false };
  const { rows } = await context.pool.query<RoleColumns>({
    name: 'check-permission',
    text: `select members.built_in_role, members.role_id, roles.name as role_name, roles.permissions
           from members left join roles on roles.merchant_id = members.merchant_id and roles.id = members.role_id
           where members.merchant_id = $1 and members.user_id = $2 and members.suspended_at is null
             and not exists (select from merchant_access as access
                             where access.merchant_id = members.merchant_id and access.suspended_at is not null)`,
    values: [merchantId, userId],
  });
  const [row] = rows;
  const allowed = row !== undefined && toRole(row).permissions.some((each) => each === request.permission);
  return { allowed };
}
