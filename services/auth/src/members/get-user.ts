import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { findUsers } from './member.ts';

/** GET /v1/users/:id. A malformed id and somebody who works elsewhere are 404 like one that never was. */
export function getUser(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const { merchantId } = identityOf(request);
    const userId = fromPublicId('usr', request.params.id);
    if (userId === undefined) throw new AppError('not_found');
    const [user] = await asReader(context, merchantId).transactional((tx) =>
      findUsers(tx, merchantId, { userId, limit: 1 }),
    );
    if (user === undefined) throw new AppError('not_found');
    response.json(user);
  };
}
