import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { ApiKey, apiKeySchema, toJson, visibleModes } from './api-key.ts';

export const listApiKeysQuerySchema = z.strictObject({
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a whole number from 1 to 100')
    .transform(Number)
    .refine((limit) => limit <= 100, 'must be a whole number from 1 to 100')
    .optional()
    .meta({ description: 'How many, 1 to 100; 20 by default', example: '20' }),
  cursor: z.string().max(64).optional().meta({ description: '`next_cursor` of the page before' }),
});

export const apiKeyListSchema = z
  .object({
    data: z.array(apiKeySchema),
    has_more: z.boolean().meta({ description: 'Whether there is a next page' }),
    next_cursor: z.string().nullable().meta({ description: 'Send it as `cursor` for the next page' }),
  })
  .meta({ id: 'ApiKeyList', description: 'A page of API keys, newest first' });

const LIMIT_DEFAULT = 20;

/** GET /v1/api-keys: newest first, since ids are made in order of time. */
export function listApiKeys(context: Context): RequestHandler {
  return async (request, response) => {
    const identity = identityOf(request);
    const query = parseWith(listApiKeysQuerySchema, queryOf(request));
    const limit = query.limit ?? LIMIT_DEFAULT;
    const after = query.cursor === undefined ? undefined : readCursor(query.cursor);
    const { merchantId } = identity;
    const keys = await asReader(context, merchantId).find(
      ApiKey,
      { merchantId, mode: visibleModes(identity), ...(after === undefined ? {} : { id: { $lt: after } }) },
      { orderBy: { id: 'desc' }, limit: limit + 1 },
    );
    const page = keys.slice(0, limit);
    const last = keys.length > limit ? page.at(-1) : undefined;
    response.json({
      data: page.map(toJson),
      has_more: last !== undefined,
      next_cursor: last === undefined ? null : toCursor(last.id),
    });
  };
}

/** The place after an id. It only says where to go on, so a cursor of another merchant's shows nothing of it. */
function toCursor(id: string): string {
  return Buffer.from(toPublicId('key', id)).toString('base64url');
}

function readCursor(cursor: string): string {
  const id = fromPublicId('key', Buffer.from(cursor, 'base64url').toString('utf8'));
  if (id === undefined)
    throw new AppError('validation_failed', {
      errors: [{ field: 'cursor', reason: 'is not one that we gave' }],
    });
  return id;
}
