import { answer, problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { exportAuditLogSchema } from './audit/export-audit-log.ts';
import { auditLogPageSchema, listAuditLogSchema } from './audit/list-audit-log.ts';
import { explained, missing, refusals } from './openapi-parts.ts';

const tags = ['Audit log'];

const away = explained(
  problem(['unavailable'], retryAfter),
  'Also when one of the two services that keep the history is away: half of it is never shown as all of it.',
);
const disposition = z.object({
  'Content-Disposition': z.string().meta({ description: 'An attachment with the days in its name' }),
});
const lines = (description: string) => ({ schema: z.string().meta({ description }) });

/** The routes of a hotel's own history. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/audit-log': {
    get: {
      operationId: 'listAuditLog',
      tags,
      summary: 'List who changed what',
      description:
        `Every change of the hotel's people, roles, keys and settings, newest first, from both services that keep a ` +
        'history: who, when, from where, in which request, before and after. Secrets are masked. Each service has a chain ' +
        'of its own, by `sequence` and `hash`. Filters are exact; a cursor is good for the same filters only.',
      requestParams: { query: listAuditLogSchema },
      responses: { '200': answer('A page', auditLogPageSchema), ...refusals, '503': away },
    },
  },
  '/v1/audit-log/export': {
    get: {
      operationId: 'exportAuditLog',
      tags,
      summary: 'Export the audit log of a time',
      description:
        'The same entries as a file, newest first: at most 366 days and 100,000 entries. The export is itself an entry of ' +
        'the log, written before the first byte. An answer that breaks off is not whole: repeat it.',
      requestParams: { query: exportAuditLogSchema },
      responses: {
        '200': {
          description: 'The file',
          headers: disposition,
          content: {
            'application/jsonl': lines('One entry a line, as the list shows it'),
            'text/csv': lines('A table with the same columns (RFC 4180)'),
          },
        },
        ...refusals,
        ...missing,
        '400': explained(
          problem(['validation_failed']),
          'Also for a range that is too long or holds too much; `errors` says so.',
        ),
        '429': explained(
          problem(['too_many_requests'], retryAfter),
          'Also while an export of the hotel is running, and beyond ten of them an hour.',
        ),
        '503': away,
      },
    },
  },
};
