import type { Request, Response } from 'express';
import { identityOf } from '@centra/service-kit/http.ts';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import { requireRule, toJson } from './routing-rule.ts';
import { orderedIds, writeOrder } from './rule-positions.ts';

/** DELETE /v1/routing-rules/:id: the rules behind it move up. What it said stays in the audit trail. */
export async function deleteRoutingRule(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const identity = identityOf(request);
  const { merchantId } = identity;
  const objectId = String(request.params['id']);
  await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const found = await requireRule(tx, identity, objectId);
    await tx.execute('delete from routing_rules where merchant_id = ? and id = ?', [merchantId, found.id]);
    await writeOrder(tx, merchantId, found.mode, await orderedIds(tx, merchantId, found.mode));
    const before = toJson(found);
    const action = 'routing_rule.deleted';
    await recordAuditEvent(tx, actorOf(request), { merchantId, action, objectId, before });
  });
  response.status(204).end();
}
