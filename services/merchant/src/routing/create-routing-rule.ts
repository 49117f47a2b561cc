import type { Request, Response } from 'express';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Actor } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import type { Mode } from '../entities.ts';
import { actorOf, modeOf, modeSchema } from '../provider-accounts/provider-account.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import {
  RULE_COLUMNS,
  accountIdsSchema,
  conditionsSchema,
  ruleNameSchema,
  toConditions,
  toJson,
} from './routing-rule.ts';
import type { RuleRow } from './routing-rule.ts';
import { requireAccounts } from './rule-accounts.ts';
import { RULES_MAX, orderedIds, placedAt, requireRoom, writeOrder } from './rule-positions.ts';

export const positionSchema = z
  .int()
  .min(1)
  .max(RULES_MAX)
  .meta({ description: '1 is looked at first; a place past the last rule is the last' });

export const createRoutingRuleSchema = z
  .strictObject({
    mode: modeSchema.optional(),
    name: ruleNameSchema,
    conditions: conditionsSchema,
    provider_accounts: accountIdsSchema,
    enabled: z.boolean().optional().meta({ description: 'True when absent' }),
    position: positionSchema.optional(),
  })
  .meta({ id: 'CreateRoutingRule' });

type Wanted = z.infer<typeof createRoutingRuleSchema>;

/** POST /v1/routing-rules: the rules behind its place move on by one. */
export async function createRoutingRule(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const wanted = parseWith(createRoutingRuleSchema, request.body);
  const identity = identityOf(request);
  const mode = modeOf(identity, wanted.mode);
  const { merchantId } = identity;
  const created = await asMerchant(
    context,
    merchantId,
    async (tx) => await store(tx, actorOf(request), merchantId, mode, wanted),
  );
  response
    .status(201)
    .location(`/v1/routing-rules/${String(created['id'])}`)
    .json(created);
}

async function store(
  tx: Transaction,
  by: Actor,
  merchantId: string,
  mode: Mode,
  wanted: Wanted,
): Promise<Record<string, unknown>> {
  await lockMerchant(tx, merchantId);
  const ids = await orderedIds(tx, merchantId, mode);
  requireRoom(ids);
  const methods = wanted.conditions.methods ?? [];
  const accounts = wanted.provider_accounts;
  const accountIds = await requireAccounts(tx, { merchantId, mode, accounts, methods });
  const id = newUuid();
  await insertRule(tx, { merchantId, id, mode, position: ids.length + 1 }, wanted, accountIds);
  await writeOrder(tx, merchantId, mode, placedAt(ids, id, wanted.position));
  const [row] = await tx.execute<RuleRow[]>(
    `select ${RULE_COLUMNS} from routing_rules where merchant_id = ? and id = ?`,
    [merchantId, id],
  );
  if (row === undefined) throw new Error('the rule that was just stored is not there');
  const after = toJson(row);
  const objectId = toPublicId('rr', id);
  await recordAuditEvent(tx, by, { merchantId, action: 'routing_rule.created', objectId, after });
  return after;
}

/** The elements of a JSON array as an array of the database: a list in a parameter would be spelt out. */
export const TEXTS = 'array(select jsonb_array_elements_text(?::jsonb))';

async function insertRule(
  tx: Transaction,
  key: { merchantId: string; id: string; mode: Mode; position: number },
  wanted: Wanted,
  accountIds: readonly string[],
): Promise<void> {
  const conditions = toConditions(wanted.conditions);
  await tx.execute(
    `insert into routing_rules (merchant_id, id, mode, position, name, enabled, currencies, amount_min_minor,
       amount_max_minor, countries, card_brands, card_countries, methods, provider_account_ids)
     values (?, ?, ?, ?, ?, ?, ${TEXTS}, ?, ?, ${TEXTS}, ${TEXTS}, ${TEXTS}, ${TEXTS}, ${TEXTS}::uuid[])`,
    [
      key.merchantId,
      key.id,
      key.mode,
      key.position,
      wanted.name,
      wanted.enabled ?? true,
      JSON.stringify(conditions.currencies),
      conditions.amountMinMinor?.toString() ?? null,
      conditions.amountMaxMinor?.toString() ?? null,
      JSON.stringify(conditions.countries),
      JSON.stringify(conditions.cardBrands),
      JSON.stringify(conditions.cardCountries),
      JSON.stringify(conditions.methods),
      JSON.stringify(accountIds),
    ],
  );
}
