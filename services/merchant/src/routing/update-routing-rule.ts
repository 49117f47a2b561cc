import type { Request, Response } from 'express';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { TEXTS, positionSchema } from './create-routing-rule.ts';
import {
  accountIdsSchema,
  conditionsOf,
  conditionsSchema,
  requireRule,
  ruleNameSchema,
  toConditions,
  toJson,
} from './routing-rule.ts';
import type { RuleRow } from './routing-rule.ts';
import { requireAccounts, requireMethods } from './rule-accounts.ts';
import { orderedIds, placedAt, writeOrder } from './rule-positions.ts';

export const updateRoutingRuleSchema = z
  .strictObject({
    name: ruleNameSchema.optional(),
    conditions: conditionsSchema.optional(),
    provider_accounts: accountIdsSchema.optional(),
    enabled: z.boolean().optional(),
    position: positionSchema.optional(),
  })
  .meta({
    id: 'UpdateRoutingRule',
    description: 'What is left out stays; `conditions` are replaced as a whole.',
  });

type Change = z.infer<typeof updateRoutingRuleSchema>;

/** POST /v1/routing-rules/:id */
export async function updateRoutingRule(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const change = parseWith(updateRoutingRuleSchema, request.body);
  const identity = identityOf(request);
  const { merchantId } = identity;
  const objectId = String(request.params['id']);
  const updated = await asMerchant(context, merchantId, async (tx) => {
    await lockMerchant(tx, merchantId);
    const found = await requireRule(tx, identity, objectId);
    const accountIds = await checkedAccounts(tx, merchantId, found, change);
    await writeRule(tx, merchantId, found, change, accountIds);
    if (change.position !== undefined) {
      const ids = await orderedIds(tx, merchantId, found.mode);
      await writeOrder(tx, merchantId, found.mode, placedAt(ids, found.id, change.position));
    }
    const before = toJson(found);
    const after = toJson(await requireRule(tx, identity, objectId));
    const action = 'routing_rule.updated';
    await recordAuditEvent(tx, actorOf(request), { merchantId, action, objectId, before, after });
    return after;
  });
  response.json(updated);
}

/** What the rule names from now on. An account that was deleted since it was named may stay. */
async function checkedAccounts(
  tx: Transaction,
  merchantId: string,
  found: RuleRow,
  change: Change,
): Promise<readonly string[]> {
  const methods = change.conditions === undefined ? found.methods : (change.conditions.methods ?? []);
  if (change.provider_accounts !== undefined)
    return await requireAccounts(tx, {
      merchantId,
      mode: found.mode,
      accounts: change.provider_accounts,
      methods,
    });
  if (change.conditions !== undefined)
    await requireMethods(tx, merchantId, found.provider_account_ids, methods);
  return found.provider_account_ids;
}

async function writeRule(
  tx: Transaction,
  merchantId: string,
  found: RuleRow,
  change: Change,
  accountIds: readonly string[],
): Promise<void> {
  const conditions = change.conditions === undefined ? conditionsOf(found) : toConditions(change.conditions);
  await tx.execute(
    `update routing_rules
        set name = ?, enabled = ?, currencies = ${TEXTS}, amount_min_minor = ?, amount_max_minor = ?,
            countries = ${TEXTS}, card_brands = ${TEXTS}, card_countries = ${TEXTS}, methods = ${TEXTS},
            provider_account_ids = ${TEXTS}::uuid[], updated_at = now()
      where merchant_id = ? and id = ?`,
    [
      change.name ?? found.name,
      change.enabled ?? found.enabled,
      JSON.stringify(conditions.currencies),
      conditions.amountMinMinor?.toString() ?? null,
      conditions.amountMaxMinor?.toString() ?? null,
      JSON.stringify(conditions.countries),
      JSON.stringify(conditions.cardBrands),
      JSON.stringify(conditions.cardCountries),
      JSON.stringify(conditions.methods),
      JSON.stringify(accountIds),
      merchantId,
      found.id,
    ],
  );
}
