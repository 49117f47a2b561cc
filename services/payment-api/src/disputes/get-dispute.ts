import type { RequestHandler } from 'express';
import { contextOf, identityOf, refuseQuery } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { pathIdOf } from '../path-id.ts';
import { toJson } from './dispute.ts';

// One row by its key; what takes longer is a fault.
const READ_DEADLINE_MS = 5_000;

/** `GET /v1/disputes/:id`. Malformed, unknown, another hotel's or of the other mode: all the same 404. */
export function getDispute(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    refuseQuery(request);
    const id = pathIdOf(request, 'dis');
    const { merchantId, mode } = identityOf(request);
    const dispute = await askTransaction(
      context.transaction.getDispute.bind(context.transaction),
      { merchantId, mode: toMode(mode), disputeId: id },
      { requestId: contextOf(request).requestId, deadlineMs: READ_DEADLINE_MS },
    );
    response.json(toJson(dispute));
  };
}
