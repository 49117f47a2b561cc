import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { RequestHandler } from 'express';
import { auditSourceOf } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { createApiKeySchema, toJson } from './api-key.ts';
import { issueApiKey } from './issue-api-key.ts';
import type { NewApiKey } from './issue-api-key.ts';

/** POST /v1/api-keys: a key of the caller's own merchant, no mightier than the credential that asks. */
export function createApiKey(context: Context): RequestHandler {
  return async (request, response) => {
    const identity = identityOf(request);
    const body = parseWith(createApiKeySchema, request.body);
    const wanted: NewApiKey = {
      name: body.name,
      scopes: body.scopes,
      mode: body.mode ?? identity.mode,
      expiresAt: body.expires_at === undefined ? undefined : new Date(body.expires_at),
      allowedAddresses: body.allowed_addresses ?? [],
      rotatedFrom: undefined,
    };
    refuseEscalation(identity, wanted);
    const { key, text } = await context.orm.em
      .fork()
      .transactional((tx) => issueApiKey(tx, auditSourceOf(request), wanted));
    response.setHeader('cache-control', 'no-store');
    response.status(201).json({ ...toJson(key), secret: text.reveal() });
  };
}

/** A credential passes on only what it may do itself: otherwise `api_keys:write` alone would be every scope there is. */
export function refuseEscalation(identity: Identity, wanted: Pick<NewApiKey, 'mode' | 'scopes'>): void {
  const missing = wanted.scopes.find((scope) => !identity.scopes.includes(scope));
  if (missing !== undefined)
    throw new AppError('forbidden', {
      detail: `A key can only be given what its maker may do; this credential lacks ${missing}.`,
      extra: { required_scope: missing },
    });
  if (wanted.mode === 'live' && identity.mode !== 'live')
    throw new AppError('forbidden', { detail: 'A test credential can only make test keys.' });
}
