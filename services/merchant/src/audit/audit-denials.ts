import type { ErrorRequestHandler, Request } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { asMerchant } from '../tenant.ts';
import { findMerchant } from '../merchants/merchant.ts';
import { recordAuditEvent } from './audit-event.ts';

/**
 * Adds each 403 to the hotel's history before it is answered (PCI DSS 10.2.1.4). A 401 has no hotel to be written down
 * for; the request metric counts it.
 */
export function auditDenials(context: Context): ErrorRequestHandler {
  return async (error: unknown, request, _response, next) => {
    const { identity, requestId, address } = contextOf(request);
    if (error instanceof AppError && error.code === 'forbidden' && identity !== undefined) {
      const { merchantId, actor } = identity;
      const after = { method: request.method, ...error.extra };
      await asMerchant(context, merchantId, async (tx) => {
        if ((await findMerchant(tx, merchantId)) === undefined) return;
        const event = { merchantId, action: 'access.denied', objectId: routeOf(request), after } as const;
        await recordAuditEvent(tx, { actor, address, requestId }, event);
      });
    }
    next(error);
  };
}

/** The route's pattern: the path itself may hold anything that a caller cares to write into it. */
function routeOf(request: Request): string {
  const route: unknown = request.route;
  return typeof route === 'object' && route !== null && 'path' in route ? String(route.path) : '';
}
