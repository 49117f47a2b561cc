import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { limitOf, pageQuerySchema, pageSchema, placeAfter, toPage } from '../page.ts';
import { ApiKey, apiKeySchema, toJson, visibleModes } from './api-key.ts';

export const listApiKeysQuerySchema = pageQuerySchema;

export const apiKeyListSchema = pageSchema(apiKeySchema).meta({
  id: 'ApiKeyList',
  description: 'A page of API keys, newest first',
});

/** GET /v1/api-keys: newest first, since ids are made in order of time. */
export function listApiKeys(context: Context): RequestHandler {
  return async (request, response) => {
    const identity = identityOf(request);
    const query = parseWith(listApiKeysQuerySchema, queryOf(request));
    const limit = limitOf(query);
    const after = placeAfter(query, (place) => fromPublicId('key', place));
    const { merchantId } = identity;
    const keys = await asReader(context, merchantId).find(
      ApiKey,
      { merchantId, mode: visibleModes(identity), ...(after === undefined ? {} : { id: { $lt: after } }) },
      { orderBy: { id: 'desc' }, limit: limit + 1 },
    );
    response.json(toPage(keys.map(toJson), limit, ({ id }) => id));
  };
}
