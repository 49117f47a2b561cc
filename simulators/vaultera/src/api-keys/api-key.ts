import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { maskedApiKey, unauthorized } from '../assumptions.ts';
import type { Call } from '../call.ts';
import { pathValue, queryValue } from '../call.ts';
import type { Context } from '../context.ts';
import { notFound } from '../replies.ts';
import type { ApiKey } from '../state.ts';

export const API_KEY = /^[0-9a-f]{32}$/;

/** The account behind `?api_key=` (or the spelling `apikey`). Throws 401 for a missing, unknown or revoked key. */
export function authenticate(ctx: Context, call: Call): string {
  const key = queryValue(call, 'api_key') ?? queryValue(call, 'apikey');
  const known = key !== undefined && API_KEY.test(key) ? findByKey(ctx, key) : undefined;
  if (known === undefined || known.status !== 'active') throw unauthorized(ctx.assumptions);
  call.accountId = known.account_id;
  return known.account_id;
}

export function findByKey(ctx: Context, key: string): ApiKey | undefined {
  const id = ctx.state.apiKeyByHash.get(hashOf(key));
  return id === undefined ? undefined : ctx.state.apiKeys.get(id);
}

/** The key named in the path. Throws 404 also for a key of another account. */
export function keyInPath(ctx: Context, accountId: string, call: Call): ApiKey {
  const found = ctx.state.apiKeys.get(pathValue(call, 'id'));
  if (found === undefined || found.account_id !== accountId) throw notFound();
  return found;
}

export function newKeyText(): string {
  return randomBytes(16).toString('hex');
}

export function newApiKey(ctx: Context, accountId: string, key: string, description: string): ApiKey {
  return {
    object: 'api_key',
    id: randomUUID(),
    account_id: accountId,
    key_hash: hashOf(key),
    last4: key.slice(-4),
    description,
    status: 'active',
    created_at: ctx.clock.iso(),
    revoked_at: null,
  };
}

/** `clear` is the key itself, shown once: in the answer to its creation. */
export function apiKeyJson(key: ApiKey, clear?: string): Record<string, unknown> {
  return {
    id: key.id,
    type: 'api_key',
    attributes: {
      id: key.id,
      api_key: clear ?? maskedApiKey(key.last4),
      description: key.description,
      status: key.status,
      created_at: key.created_at,
      revoked_at: key.revoked_at,
    },
  };
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
