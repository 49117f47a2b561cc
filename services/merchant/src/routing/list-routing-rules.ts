import type { Request, Response } from 'express';
import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import type { Mode } from '../entities.ts';
import { modeOf, modeSchema } from '../provider-accounts/provider-account.ts';
import { readAsMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { RULE_COLUMNS, toJson } from './routing-rule.ts';
import type { RuleRow } from './routing-rule.ts';

export const listRoutingRulesSchema = z.strictObject({
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .default('20')
    .transform(Number)
    .meta({ override: { type: 'integer', minimum: 1, maximum: 100, default: 20 } }),
  cursor: z.string().max(64).optional().meta({ description: 'The `next_cursor` of the page before' }),
  mode: modeSchema
    .optional()
    .meta({ description: 'Only rules of this mode. A live key sees both without it, live ones first.' }),
});

// Opaque, so that nobody builds on its form; it is only a place in the caller's own list.
const CURSOR = z.string().transform((cursor, problem) => {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const found = /^(live|test) ([1-9]\d{0,2})$/.exec(text);
  if (found !== null) return { mode: modeSchema.parse(found[1]), position: Number(found[2]) };
  problem.addIssue('is not a cursor that a list answered');
  return z.NEVER;
});
type Place = z.infer<typeof CURSOR>;

/** GET /v1/routing-rules: in the order in which they are looked at. */
export async function listRoutingRules(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const query = parseWith(listRoutingRulesSchema, queryOf(request));
  const after =
    query.cursor === undefined ? undefined : parseWith(z.object({ cursor: CURSOR }), query).cursor;
  const identity = identityOf(request);
  const mode =
    identity.mode === 'live' && query.mode === undefined ? undefined : modeOf(identity, query.mode);
  const found = await readAsMerchant(
    context,
    identity.merchantId,
    async (tx) => await loadPage(tx, identity.merchantId, { limit: query.limit, mode, after }),
  );
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  const hasMore = found.length > page.length;
  response.json({
    data: page.map(toJson),
    has_more: hasMore,
    next_cursor: hasMore && last !== undefined ? cursorOf(last) : null,
  });
}

function cursorOf({ mode, position }: Place): string {
  return Buffer.from(`${mode} ${position}`).toString('base64url');
}

type Wanted = { limit: number; mode: Mode | undefined; after: Place | undefined };

async function loadPage(tx: Transaction, merchantId: string, wanted: Wanted): Promise<RuleRow[]> {
  const { mode, after } = wanted;
  return await tx.execute<RuleRow[]>(
    `select ${RULE_COLUMNS} from routing_rules
      where merchant_id = ? and (?::text is null or mode = ?)
        and (?::text is null or mode > ? or (mode = ? and position > ?))
      -- 'live' sorts before 'test'.
      order by mode, position
      -- One more than asked tells whether there is a next page.
      limit ?`,
    [
      merchantId,
      mode ?? null,
      mode ?? null,
      after?.mode ?? null,
      after?.mode ?? null,
      after?.mode ?? null,
      after?.position ?? null,
      wanted.limit + 1,
    ],
  );
}
