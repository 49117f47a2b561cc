import type {
  SetMerchantAccessRequest,
  SetMerchantAccessResponse,
} from '@centra/proto/centra/auth/v1/auth.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { addAuditEvent, auditActorSchema } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { lockMembers } from '../members/member.ts';
import { announce } from '../revocations/revocation-feed.ts';

// Counted in characters, as the column counts them.
const reasonSchema = z.string().max(500);

const setMerchantAccessSchema = z
  .strictObject({
    merchantId: z.uuid(),
    suspended: z.boolean(),
    reason: reasonSchema,
    actor: auditActorSchema,
  })
  .refine(({ suspended, reason }) => !suspended || reason.trim() !== '', {
    path: ['reason'],
    message: 'must say why the hotel is suspended',
  });

/**
 * SetMerchantAccess: suspends a hotel, with its people and keys, or lets it in again; both within 5 s. Safe to repeat: a
 * hotel that is suspended already keeps the first reason.
 */
export async function setMerchantAccess(
  context: Context,
  request: SetMerchantAccessRequest,
  call: CallContext,
): Promise<SetMerchantAccessResponse> {
  const { merchantId, suspended, reason, actor } = parseWith(setMerchantAccessSchema, request);
  const source = { merchantId, actor, requestId: call.requestId, address: call.address };
  await context.orm.em.fork().transactional(async (tx) => {
    await lockMembers(tx, merchantId);
    if ((await isSuspended(tx, merchantId)) === suspended) return;
    await tx.execute(suspended ? SUSPEND : RESTORE, suspended ? [merchantId, reason] : [merchantId]);
    const action = suspended ? 'merchant.suspended' : 'merchant.restored';
    const details = { reason, before: { suspended: !suspended }, after: { suspended } };
    await addAuditEvent(tx, source, action, toPublicId('mer', merchantId), details);
    await announce(tx, { kind: 'merchant', merchantId });
  });
  return {};
}

async function isSuspended(tx: EntityManager, merchantId: string): Promise<boolean> {
  const rows = await tx.execute<unknown[]>(
    'select from merchant_access where merchant_id = ? and suspended_at is not null',
    [merchantId],
  );
  return rows.length > 0;
}

const SUSPEND = `
insert into merchant_access (merchant_id, suspended_at, suspended_reason) values (?, now(), ?)
on conflict (merchant_id) do update
  set suspended_at = excluded.suspended_at, suspended_reason = excluded.suspended_reason, updated_at = now()`;

const RESTORE = `
update merchant_access set suspended_at = null, suspended_reason = null, updated_at = now() where merchant_id = ?`;
