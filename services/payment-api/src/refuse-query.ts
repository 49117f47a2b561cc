import type { Request } from 'express';
import { z } from 'zod';
import { parseWith, queryOf } from '@centra/service-kit/http.ts';

const noQuery = z.strictObject({});

/** For routes without query parameters: any is 400, since a misspelt wish must not be silently ignored. */
export function refuseQuery(request: Request): void {
  // The check of a path without one, which is every honest charge, costs nothing.
  if (request.originalUrl.includes('?')) parseWith(noQuery, queryOf(request));
}
