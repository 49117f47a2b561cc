import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf } from '@centra/service-kit/http.ts';
import type { ErrorRequestHandler, Request } from 'express';
import type { Context } from '../context.ts';
import { addAuditEvent } from './audit-event.ts';

/**
 * Records each 403 in the merchant's audit trail before it is answered (PCI DSS 10.2.1.4). A 401 has no merchant to
 * record it for; it is counted and logged instead.
 */
export function auditDenials(context: Context): ErrorRequestHandler {
  return async (error: unknown, request, _response, next) => {
    const { identity, requestId, address } = contextOf(request);
    if (error instanceof AppError && error.code === 'forbidden' && identity !== undefined) {
      const source = { merchantId: identity.merchantId, actor: identity.actor, requestId, address };
      await addAuditEvent(context.orm.em.fork(), source, 'access.denied', routeOf(request), {
        method: request.method,
        ...error.extra,
      });
    }
    next(error);
  };
}

/** The route's pattern: the path itself may hold anything a caller cares to write into it. */
function routeOf(request: Request): string {
  const route: unknown = request.route;
  return typeof route === 'object' && route !== null && 'path' in route ? String(route.path) : '';
}
