import { z } from 'zod';

import { previousAttributes } from '../events/previous-attributes.ts';
import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand, expanded } from '../http/expand.ts';
import { applyMetadata, expand, metadata, parseParams } from '../http/params.ts';
import { findRefund } from './refund.ts';

/** `POST /v1/refunds/:id`: only the metadata of a refund can change. */
export function updateRefund(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand, metadata: metadata.optional() }), request.params);
  checkExpand('refund', params.expand);
  const record = findRefund(request);
  const refund = { ...record.refund, metadata: applyMetadata(record.refund.metadata, params.metadata) };
  const previous = previousAttributes(record.refund, refund);
  if (Object.keys(previous).length > 0) {
    const subject = { kind: 'refund' as const, id: refund.id };
    request.work.save({ type: 'refund', value: { ...record, refund } });
    request.work.event('refund.updated', subject, previous);
    request.work.event('charge.refund.updated', subject, previous);
  }
  return { status: 200, body: expanded(request, 'refund', refund, params.expand) };
}
