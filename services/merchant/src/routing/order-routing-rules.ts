import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { actorOf, modeOf, modeSchema } from '../provider-accounts/provider-account.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import { RULE_COLUMNS, toJson } from './routing-rule.ts';
import type { RuleRow } from './routing-rule.ts';
import { RULES_MAX, orderedIds, writeOrder } from './rule-positions.ts';

export const orderRoutingRulesSchema = z
  .strictObject({
    mode: modeSchema.optional(),
    rule_ids: z
      .array(z.string().max(64))
      .max(RULES_MAX)
      .meta({ description: 'Every rule of the mode, in the order in which they are to be looked at' }),
  })
  .meta({ id: 'OrderRoutingRules' });

/** POST /v1/routing-rules/order: all or nothing. A list that is not exactly the mode's rules is 409: somebody changed them. */
export async function orderRoutingRules(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const body = parseWith(orderRoutingRulesSchema, request.body);
  const identity = identityOf(request);
  const mode = modeOf(identity, body.mode);
  const { merchantId } = identity;
  const wanted = body.rule_ids.map((publicId) => fromPublicId('rr', publicId) ?? '');
  const rows = await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const ids = await orderedIds(tx, merchantId, mode);
    if (wanted.toSorted().join() !== ids.toSorted().join())
      throw new AppError('state_conflict', {
        detail: `These are not exactly the routing rules in ${mode} mode. Read them again.`,
      });
    await writeOrder(tx, merchantId, mode, wanted);
    const listed = (order: readonly string[]) => ({
      mode,
      rule_ids: order.map((id) => toPublicId('rr', id)),
    });
    await recordAuditEvent(tx, actorOf(request), {
      merchantId,
      action: 'routing_rule.reordered',
      objectId: toPublicId('mer', merchantId),
      before: listed(ids),
      after: listed(wanted),
    });
    return await tx.execute<RuleRow[]>(
      `select ${RULE_COLUMNS} from routing_rules where merchant_id = ? and mode = ? order by position`,
      [merchantId, mode],
    );
  });
  response.json({ data: rows.map(toJson), has_more: false, next_cursor: null });
}
