import { z } from 'zod';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { IdPrefix } from '@centra/service-kit/ids.ts';

const LIMIT_DEFAULT = 20;
// One page of an index, of at most 100 rows; what takes longer is a fault.
export const PAGE_DEADLINE_MS = 5_000;

/** The query parameters of every list by cursor. */
export const pageShape = {
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .optional()
    .meta({ description: `How many, 1 to 100; ${LIMIT_DEFAULT} when absent`, example: '20' }),
  cursor: z.string().max(64).optional().meta({ description: 'The `next_cursor` of the page before' }),
};

/** The members of every page beside its `data`. */
export const pageEndShape = { has_more: z.boolean(), next_cursor: z.string().nullable() };

export const timeSchema = z.iso.datetime({
  offset: true,
  error: 'must be an ISO 8601 time with an offset, like 2026-03-01T00:00:00Z',
});

/** How many a page may have, 1 to 100. */
export function limitOf(query: { limit?: string | undefined }): number {
  return Number(query.limit ?? LIMIT_DEFAULT);
}

/** `has_more` and `next_cursor` of a page whose last object has this id. */
export function pageEnd(hasMore: boolean, lastId: string | undefined) {
  return { has_more: hasMore, next_cursor: hasMore && lastId !== undefined ? toCursor(lastId) : null };
}

/** Opaque to clients, so that what it holds may change. */
export function toCursor(id: string): string {
  return Buffer.from(id).toString('base64url');
}

/** The id in a cursor; empty for the first page. 400 when it is not a cursor that we gave out. */
export function fromCursor(prefix: IdPrefix, cursor: string | undefined): string {
  if (cursor === undefined) return '';
  const id = Buffer.from(cursor, 'base64url').toString('latin1');
  // Decoding forgives almost anything; encoding again shows what was forgiven.
  if (fromPublicId(prefix, id) === undefined || toCursor(id) !== cursor)
    throw new AppError('validation_failed', {
      errors: [{ field: 'cursor', reason: 'is not a next_cursor that we gave out' }],
    });
  return id;
}
