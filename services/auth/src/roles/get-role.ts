import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { isBuiltInRole } from '@centra/service-kit/permissions.ts';
import type { RequestHandler } from 'express';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { Role } from '../members/member.ts';
import { builtInToJson, toJson } from './role.ts';

/** GET /v1/roles/:id. A malformed id and another hotel's role are 404 like one that never was. */
export function getRole(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const { merchantId } = identityOf(request);
    if (isBuiltInRole(request.params.id)) {
      response.json(builtInToJson(request.params.id));
      return;
    }
    const id = fromPublicId('rol', request.params.id);
    if (id === undefined) throw new AppError('not_found');
    const role = await asReader(context, merchantId).findOne(Role, { merchantId, id });
    if (role === null) throw new AppError('not_found');
    response.json(toJson(role));
  };
}
