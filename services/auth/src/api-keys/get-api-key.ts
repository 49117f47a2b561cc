import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { ApiKey, toJson, visibleModes } from './api-key.ts';

/** GET /v1/api-keys/:id. A malformed id and another merchant's are 404 like one that never was. */
export function getApiKey(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const identity = identityOf(request);
    const id = fromPublicId('key', request.params.id);
    if (id === undefined) throw new AppError('not_found');
    const { merchantId } = identity;
    const key = await asReader(context, merchantId).findOne(ApiKey, {
      merchantId,
      id,
      mode: visibleModes(identity),
    });
    if (key === null) throw new AppError('not_found');
    response.json(toJson(key));
  };
}
