import type { RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, refuseQuery } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { pathIdOf } from '../path-id.ts';
import { inTenant, selectQuote, toJson } from './quote.ts';

/** `GET /v1/quotes/:id`, also after it lapsed, until it is deleted. */
export function getQuote(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    refuseQuery(request);
    const { merchantId, mode } = identityOf(request);
    const id = fromPublicId('quo', pathIdOf(request, 'quo'));
    if (id === undefined) throw new AppError('not_found');
    const quote = await inTenant(
      context,
      merchantId,
      async (client) => await selectQuote(client, { merchantId, mode, id }),
    );
    if (quote === undefined) throw new AppError('not_found');
    response.json(toJson(quote));
  };
}
