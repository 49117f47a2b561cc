import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import { StripeError } from '../http/stripe-error.ts';
import { findDispute, isInquiry, needsResponse } from './dispute.ts';
import { moveDispute } from './move-dispute.ts';

/** `POST /v1/disputes/:id/close`: the account accepts the loss; for good. */
export function closeDispute(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('dispute', params.expand);
  const record = findDispute(request);
  const { status } = record.dispute;
  if (!needsResponse(status)) {
    const message = `You cannot close this dispute because it has a status of ${status}.`;
    throw new StripeError(400, { type: 'invalid_request_error', message }, { executed: true });
  }
  const saved = moveDispute(request.work, record, isInquiry(status) ? 'warning_closed' : 'lost');
  return { status: 200, body: expanded(request, 'dispute', saved.dispute, params.expand) };
}
