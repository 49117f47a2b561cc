import { AppError } from '@centra/service-kit/errors.ts';
import { z } from 'zod';

// Far above what a table on a screen shows; a page stays small (security-tests row 61).
const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 20;

/** Query parameters of every list. */
export const pageQuerySchema = z.strictObject({
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a whole number from 1 to 100')
    .transform(Number)
    .refine((limit) => limit <= LIMIT_MAX, 'must be a whole number from 1 to 100')
    .optional()
    .meta({ description: 'How many, 1 to 100; 20 by default', example: '20' }),
  cursor: z.string().max(64).optional().meta({ description: '`next_cursor` of the page before' }),
});

/** A page of such objects. */
export function pageSchema<T extends z.ZodType>(
  item: T,
): z.ZodObject<{ data: z.ZodArray<T>; has_more: z.ZodBoolean; next_cursor: z.ZodNullable<z.ZodString> }> {
  return z.object({
    data: z.array(item),
    has_more: z.boolean().meta({ description: 'Whether there is a next page' }),
    next_cursor: z.string().nullable().meta({ description: 'Send it as `cursor` for the next page' }),
  });
}

/** How many to show. Read one more than that, so that it is known whether there is a next page. */
export function limitOf(query: { limit?: number | undefined }): number {
  return query.limit ?? LIMIT_DEFAULT;
}

/**
 * The page of what was read, `limit` + 1 at most. A cursor is the place after a name in the order of the list: it says only
 * where to go on, so one of another hotel's shows nothing of it.
 */
export function toPage<T>(
  read: readonly T[],
  limit: number,
  placeOf: (item: T) => string,
): { data: T[]; has_more: boolean; next_cursor: string | null } {
  const data = read.slice(0, limit);
  const last = read.length > limit ? data.at(-1) : undefined;
  return {
    data,
    has_more: last !== undefined,
    next_cursor: last === undefined ? null : Buffer.from(placeOf(last)).toString('base64url'),
  };
}

/** The place that a cursor names, or 400; undefined for the first page. */
export function placeAfter<T>(
  query: { cursor?: string | undefined },
  read: (place: string) => T | undefined,
): T | undefined {
  if (query.cursor === undefined) return undefined;
  const place = read(Buffer.from(query.cursor, 'base64url').toString('utf8'));
  if (place === undefined)
    throw new AppError('validation_failed', {
      errors: [{ field: 'cursor', reason: 'is not one that we gave' }],
    });
  return place;
}
