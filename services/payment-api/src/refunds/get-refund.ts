import type { RequestHandler } from 'express';
import { contextOf, identityOf, refuseQuery } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { pathIdOf } from '../path-id.ts';
import { toRefundJson } from './refund.ts';

// One row by primary key; what takes longer is a fault.
const READ_DEADLINE_MS = 5_000;

/** `GET /v1/refunds/:id`. Malformed, unknown, another hotel's or of the other mode: all the same 404. */
export function getRefund(context: Context): RequestHandler<{ id: string }> {
  const ask = context.transaction.getRefund.bind(context.transaction);
  return async (request, response) => {
    refuseQuery(request);
    const refundId = pathIdOf(request, 're');
    const { merchantId, mode } = identityOf(request);
    const refund = await askTransaction(
      ask,
      { merchantId, mode: toMode(mode), refundId },
      { requestId: contextOf(request).requestId, deadlineMs: READ_DEADLINE_MS },
    );
    response.json(toRefundJson(refund));
  };
}
