import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { IdPrefix } from '@centra/service-kit/ids.ts';
import { z } from 'zod';

/** The query of a list: `limit` and the place where it goes on. */
export const pageShape = {
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .default('20')
    .transform(Number)
    .meta({ override: { type: 'integer', minimum: 1, maximum: 100, default: 20 } }),
  cursor: z.string().max(64).optional().meta({ description: 'The `next_cursor` of the page before' }),
};

/** The place that a cursor names, as a UUID. Opaque, so that nobody builds on its form. */
export function cursorSchema(prefix: IdPrefix) {
  return z
    .string()
    .transform((cursor, problem) => {
      const id = fromPublicId(prefix, Buffer.from(cursor, 'base64url').toString('utf8'));
      if (id !== undefined) return id;
      problem.addIssue('is not a cursor that a list answered');
      return z.NEVER;
    })
    .optional();
}

/** The place that a cursor names in a numbered list. */
export const numberCursorSchema = z
  .string()
  .transform((cursor, problem) => {
    const text = Buffer.from(cursor, 'base64url').toString('utf8');
    // Fifteen digits are a number that JavaScript holds exactly.
    if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
    problem.addIssue('is not a cursor that a list answered');
    return z.NEVER;
  })
  .optional();

type Page<Json> = { data: Json[]; has_more: boolean; next_cursor: string | null };

/** The answer: `rows` holds one more than `limit` when there is a next page. */
export function toPage<Row, Json>(
  rows: readonly Row[],
  limit: number,
  prefix: IdPrefix,
  { idOf, toJson }: { idOf: (row: Row) => string; toJson: (row: Row) => Json },
): Page<Json> {
  return toPageBy(rows, limit, { placeOf: (row) => toPublicId(prefix, idOf(row)), toJson });
}

/** The same for a list whose places are no ids. */
export function toPageBy<Row, Json>(
  rows: readonly Row[],
  limit: number,
  { placeOf, toJson }: { placeOf: (row: Row) => string; toJson: (row: Row) => Json },
): Page<Json> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = rows.length > limit;
  return {
    data: shown.map(toJson),
    has_more: hasMore,
    next_cursor: hasMore && last !== undefined ? Buffer.from(placeOf(last)).toString('base64url') : null,
  };
}
