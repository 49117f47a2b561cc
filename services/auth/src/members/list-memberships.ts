import type { ListMembershipsRequest, ListMembershipsResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { asReaderOfUser } from '../context.ts';
import type { Context } from '../context.ts';
import { toRole } from './member.ts';
import type { RoleColumns } from './member.ts';

const listMembershipsSchema = z.strictObject({
  userId: z.string().max(64),
  limit: z.int().min(1).max(100),
  afterMerchantId: z.union([z.literal(''), z.uuid()]),
});

/** ListMemberships: the hotels that a person works at, by ascending id. Empty for somebody unknown. */
export async function listMemberships(
  context: Context,
  request: ListMembershipsRequest,
  _call: CallContext,
): Promise<ListMembershipsResponse> {
  const { userId, limit, afterMerchantId } = parseWith(listMembershipsSchema, request);
  const person = fromPublicId('usr', userId);
  if (person === undefined) return { memberships: [], hasMore: false };
  const after = afterMerchantId === '' ? null : afterMerchantId;
  const rows = await asReaderOfUser(context, person).transactional((tx) =>
    tx.execute<(RoleColumns & { merchant_id: string; suspended: boolean })[]>(MEMBERSHIPS, [
      person,
      after,
      after,
      limit + 1,
    ]),
  );
  const memberships = rows.slice(0, limit).map((row) => ({
    merchantId: row.merchant_id,
    role: toRole(row).role,
    suspended: row.suspended,
  }));
  return { memberships, hasMore: rows.length > limit };
}

const MEMBERSHIPS = `
select members.merchant_id, members.built_in_role, members.role_id, roles.name as role_name, roles.permissions,
  (members.suspended_at is not null or merchant_access.suspended_at is not null) as suspended
from members
left join roles on roles.merchant_id = members.merchant_id and roles.id = members.role_id
left join merchant_access on merchant_access.merchant_id = members.merchant_id
where members.user_id = ? and (?::uuid is null or members.merchant_id > ?::uuid)
order by members.merchant_id limit ?`;
