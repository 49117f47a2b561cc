import { z } from 'zod';

import type { Collection } from '../store/collection.ts';
import type { ApiRequest } from './api-request.ts';
import { expand, integer, requiredText } from './params.ts';
import { invalidParameter, resourceMissing } from './stripe-error.ts';

/** Stripe's page sizes. */
const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 100;

export const limit = integer.optional();

/** The parameters every list takes. */
export const pagination = {
  limit,
  starting_after: requiredText(255).optional(),
  ending_before: requiredText(255).optional(),
  expand,
};

export type Pagination = {
  limit?: number | undefined;
  starting_after?: string | undefined;
  ending_before?: string | undefined;
};

/** `created=…` or `created[gte]=…`, in Unix seconds. */
export const createdRange = z.union([
  integer,
  z.strictObject({
    gt: integer.optional(),
    gte: integer.optional(),
    lt: integer.optional(),
    lte: integer.optional(),
  }),
]);

export function isInRange(seconds: number, range: z.output<typeof createdRange> | undefined): boolean {
  if (range === undefined) return true;
  if (typeof range === 'number') return seconds === range;
  const { gt, gte, lt, lte } = range;
  return !(
    (gt !== undefined && seconds <= gt) ||
    (gte !== undefined && seconds < gte) ||
    (lt !== undefined && seconds >= lt) ||
    (lte !== undefined && seconds > lte)
  );
}

/** Throws when `limit` is outside 1 to 100. */
export function pageSize(wanted: number | undefined): number {
  const size = wanted ?? LIMIT_DEFAULT;
  if (size < 1)
    throw invalidParameter(
      'This value must be greater than or equal to 1.',
      'limit',
      'parameter_invalid_integer',
    );
  if (size > LIMIT_MAX)
    throw invalidParameter(
      `This value must be less than or equal to ${LIMIT_MAX}.`,
      'limit',
      'parameter_invalid_integer',
    );
  return size;
}

export type ListOptions<T> = {
  url: string;
  noun: string;
  accepts: (value: T) => boolean;
  show: (value: T) => unknown;
};

/** One page, newest first; with `ending_before` the page that ends just before it. */
export function listPage<T>(
  request: ApiRequest,
  collection: Collection<T>,
  params: Pagination,
  options: ListOptions<T>,
) {
  const size = pageSize(params.limit);
  const { starting_after: after, ending_before: before } = params;
  if (after !== undefined && before !== undefined) {
    throw invalidParameter(
      'You may only specify one of these parameters: starting_after, ending_before.',
      'starting_after',
      'parameters_exclusive',
    );
  }
  for (const [name, id] of [
    ['starting_after', after],
    ['ending_before', before],
  ] as const) {
    if (id !== undefined && !collection.has(id)) throw resourceMissing(options.noun, id, name, 400);
  }
  const found: T[] = [];
  for (const id of collection.ids({ after, before })) {
    const value = request.read(collection, id);
    if (value === undefined || value === null || !options.accepts(value)) continue;
    found.push(value);
    if (found.length > size) break;
  }
  const page = found.slice(0, size);
  if (before !== undefined) page.reverse();
  return {
    object: 'list' as const,
    data: page.map(options.show),
    has_more: found.length > size,
    url: options.url,
  };
}
