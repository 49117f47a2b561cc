import type { Request, Response } from 'express';
import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { readAsMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { toConnectionTestJson } from './connection-test.ts';
import type { ConnectionTestRow } from './connection-test.ts';
import { requireAccount } from './provider-account.ts';

export const listConnectionTestsSchema = z.strictObject({
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .default('20')
    .transform(Number)
    .meta({ override: { type: 'integer', minimum: 1, maximum: 100, default: 20 } }),
  cursor: z.string().max(64).optional().meta({ description: 'The `next_cursor` of the page before' }),
});

// Opaque, so that nobody builds on its form; it is only a place in this account's own log.
const CURSOR = z.string().transform((cursor, problem) => {
  const id = fromPublicId('ct', Buffer.from(cursor, 'base64url').toString('utf8'));
  if (id !== undefined) return id;
  problem.addIssue('is not a cursor that a list answered');
  return z.NEVER;
});

/** GET /v1/provider-accounts/:id/tests: the newest 200 at most, newest first; also of a deleted account. */
export async function listConnectionTests(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const query = parseWith(listConnectionTestsSchema, queryOf(request));
  const before =
    query.cursor === undefined ? undefined : parseWith(z.object({ cursor: CURSOR }), query).cursor;
  const identity = identityOf(request);
  const found = await readAsMerchant(context, identity.merchantId, async (tx) => {
    const { account } = await requireAccount(tx, identity, String(request.params['id']));
    // One more than asked tells whether there is a next page.
    return await select(tx, account, before, query.limit + 1);
  });
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  const hasMore = found.length > page.length;
  response.json({
    data: page.map(toConnectionTestJson),
    has_more: hasMore,
    next_cursor:
      hasMore && last !== undefined ? Buffer.from(toPublicId('ct', last.id)).toString('base64url') : null,
  });
}

async function select(
  tx: Transaction,
  { merchantId, id }: { merchantId: string; id: string },
  before: string | undefined,
  limit: number,
): Promise<ConnectionTestRow[]> {
  return await tx.execute<ConnectionTestRow[]>(
    `select id, result, message, account_name, version, actor,
            to_char(tested_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as tested_at
       from connection_tests
      where merchant_id = ? and provider_account_id = ? and (?::uuid is null or id < ?::uuid)
      order by id desc limit ?`,
    [merchantId, id, before ?? null, before ?? null, limit],
  );
}
