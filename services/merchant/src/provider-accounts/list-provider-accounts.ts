import type { Request, Response } from 'express';
import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { AccountVersionEntity, ProviderAccountEntity } from '../entities.ts';
import type { Mode, ProviderAccountRow } from '../entities.ts';
import { readAsMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { modeOf, modeSchema, toJson } from './provider-account.ts';

export const listProviderAccountsSchema = z.strictObject({
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .default('20')
    .transform(Number)
    .meta({ override: { type: 'integer', minimum: 1, maximum: 100, default: 20 } }),
  cursor: z.string().max(64).optional().meta({ description: 'The `next_cursor` of the page before' }),
  mode: modeSchema
    .optional()
    .meta({ description: 'Only accounts of this mode. A live key sees both without it.' }),
});

// Opaque, so that nobody builds on its form; it is only a place in the caller's own list.
const CURSOR = z.string().transform((cursor, problem) => {
  const id = fromPublicId('pa', Buffer.from(cursor, 'base64url').toString('utf8'));
  if (id !== undefined) return id;
  problem.addIssue('is not a cursor that a list answered');
  return z.NEVER;
});

/** GET /v1/provider-accounts: the active ones, newest first. */
export async function listProviderAccounts(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const query = parseWith(listProviderAccountsSchema, queryOf(request));
  const after =
    query.cursor === undefined ? undefined : parseWith(z.object({ cursor: CURSOR }), query).cursor;
  const identity = identityOf(request);
  const mode =
    identity.mode === 'live' && query.mode === undefined ? undefined : modeOf(identity, query.mode);

  const page = await readAsMerchant(context, identity.merchantId, (tx) =>
    loadPage(tx, identity.merchantId, { limit: query.limit, mode, after }),
  );
  const last = page.accounts.at(-1);
  response.json({
    data: page.json,
    has_more: page.hasMore,
    next_cursor: page.hasMore && last !== undefined ? cursorOf(last.id) : null,
  });
}

function cursorOf(id: string): string {
  return Buffer.from(toPublicId('pa', id)).toString('base64url');
}

type Wanted = { limit: number; mode: Mode | undefined; after: string | undefined };
type Page = { accounts: ProviderAccountRow[]; json: Record<string, unknown>[]; hasMore: boolean };

async function loadPage(tx: Transaction, merchantId: string, wanted: Wanted): Promise<Page> {
  const found = await tx.find(
    ProviderAccountEntity,
    {
      merchantId,
      status: 'active',
      ...(wanted.mode === undefined ? {} : { mode: wanted.mode }),
      ...(wanted.after === undefined ? {} : { id: { $lt: wanted.after } }),
    },
    // One more than asked tells whether there is a next page. Ids sort by time.
    { orderBy: { id: 'desc' }, limit: wanted.limit + 1 },
  );
  const accounts = found.slice(0, wanted.limit);
  const keys = accounts.map(({ id, currentVersion }) => ({ providerAccountId: id, version: currentVersion }));
  const versions = keys.length === 0 ? [] : await tx.find(AccountVersionEntity, { merchantId, $or: keys });
  const byAccount = new Map(versions.map((version) => [version.providerAccountId, version]));
  const json = accounts.map((account) => {
    const version = byAccount.get(account.id);
    if (version === undefined) throw new Error('an account has no current version');
    return toJson({ account, version });
  });
  return { accounts, json, hasMore: found.length > accounts.length };
}
