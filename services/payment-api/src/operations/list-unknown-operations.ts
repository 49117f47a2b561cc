import type { RequestHandler } from 'express';
import { z } from 'zod';
import { contextOf, identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { fromCursor, limitOf, PAGE_DEADLINE_MS, pageEnd, pageEndShape, pageShape } from '../page.ts';
import { toJson, unknownOperationSchema } from './unknown-operation.ts';

export const listUnknownOperationsSchema = z.strictObject({
  ...pageShape,
  escalated: z.enum(['true', 'false']).optional().meta({
    description: '`true`: only those that wait for a person, since asking the provider did not help',
  }),
});

export const unknownOperationListSchema = z
  .object({ data: z.array(unknownOperationSchema), ...pageEndShape })
  .meta({ id: 'UnknownOperationList', description: 'Operations whose outcome is not known, oldest first' });

/** `GET /v1/unknown-operations` */
export function listUnknownOperations(context: Context): RequestHandler {
  return async (request, response) => {
    const query = parseWith(listUnknownOperationsSchema, queryOf(request));
    const { merchantId, mode } = identityOf(request);
    const page = await askTransaction(
      context.transaction.listUnknownOperations.bind(context.transaction),
      {
        merchantId,
        mode: toMode(mode),
        limit: limitOf(query),
        afterOperationId: fromCursor('op', query.cursor),
        escalatedOnly: query.escalated === 'true',
      },
      { requestId: contextOf(request).requestId, deadlineMs: PAGE_DEADLINE_MS },
    );
    const json: z.infer<typeof unknownOperationListSchema> = {
      data: page.operations.map(toJson),
      ...pageEnd(page.hasMore, page.operations.at(-1)?.operationId),
    };
    response.json(json);
  };
}
