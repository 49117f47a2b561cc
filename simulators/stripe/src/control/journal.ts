import type { RequestHandler } from 'express';
import { z } from 'zod';

import type { Context } from '../context.ts';
import { JOURNAL_PAGE_MAX } from '../journal/journal.ts';
import { readInput } from './control-input.ts';

const pageInput = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  kind: z.enum(['effect', 'request', 'state']).optional(),
  limit: z.coerce.number().int().min(1).max(JOURNAL_PAGE_MAX).default(JOURNAL_PAGE_MAX),
});

/** `GET /_control/journal?after=&kind=&limit=`; go on with `after=last_seq` until a page is empty. */
export function readJournal(context: Context): RequestHandler {
  return async (req, res) => {
    const query = new URL(req.url, 'http://localhost').searchParams;
    const input = readInput(pageInput, Object.fromEntries(query), res);
    if (!input) return;
    res.json(await context.journal.page(input.after, input.kind, input.limit));
  };
}
