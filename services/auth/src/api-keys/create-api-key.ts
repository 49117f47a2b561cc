import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf, parseWith } from '@centra/service-kit/http.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { createApiKeySchema, toJson } from './api-key.ts';
import { issueApiKey } from './issue-api-key.ts';
import type { NewApiKey } from './issue-api-key.ts';

/** POST /v1/api-keys: a key of the caller's own merchant, no mightier than the key that asks. */
export function createApiKey(context: Context): RequestHandler {
  return async (request, response) => {
    const identity = identityOf(request);
    const body = parseWith(createApiKeySchema, request.body);
    const wanted = {
      name: body.name,
      scopes: body.scopes,
      mode: body.mode ?? identity.mode,
      expiresAt: body.expires_at === undefined ? undefined : new Date(body.expires_at),
    };
    refuseEscalation(identity, wanted);
    const { requestId, address } = contextOf(request);
    const source = { merchantId: identity.merchantId, actor: identity.actor, requestId, address };
    const { key, text } = await issueApiKey(context, source, wanted);
    response.setHeader('cache-control', 'no-store');
    response.status(201).json({ ...toJson(key), secret: text.reveal() });
  };
}

/** A key passes on only what it holds itself: otherwise `api_keys:write` alone would be every scope there is. */
function refuseEscalation(identity: Identity, wanted: NewApiKey): void {
  const missing = wanted.scopes.find((scope) => !identity.scopes.includes(scope));
  if (missing !== undefined)
    throw new AppError('forbidden', {
      detail: `A key can only grant scopes that it has itself; this one lacks ${missing}.`,
      extra: { required_scope: missing },
    });
  if (wanted.mode === 'live' && identity.mode !== 'live')
    throw new AppError('forbidden', { detail: 'A test key can only make test keys.' });
}
