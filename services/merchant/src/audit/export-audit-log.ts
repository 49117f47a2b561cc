import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { admitExport } from './admit-export.ts';
import { instantSchema } from './audit-entry.ts';
import type { AuditFilters } from './audit-entry.ts';
import { EXPORT_FORMATS, linesOf } from './audit-lines.ts';
import type { Lines } from './audit-lines.ts';
import { sourcesOf } from './audit-source.ts';
import type { AuditSource } from './audit-source.ts';
import { refuseEmptyRange } from './list-audit-log.ts';
import { fill, isLeft, laneOf, merge } from './merge-audit.ts';
import type { Lane } from './merge-audit.ts';

const DAY_MS = 86_400_000;
// A year and its leap day: what an auditor asks for.
const RANGE_MAX_DAYS = 366;
// About 60 MB. More takes a caller longer than a request may last.
export const EXPORT_MAX_ENTRIES = 100_000;
// What auth gives at once.
const PAGE = 100;
// A caller that reads so slowly that it has not done by then would hold its hotel's only place; the gateway ends it sooner.
const EXPORT_MAX_MS = 60_000;
// How long the one that is running may take, on a usual day.
const RETRY_AFTER_RUNNING_S = 5;

export const exportAuditLogSchema = z.strictObject({
  format: z.enum(EXPORT_FORMATS).default('jsonl').meta({ description: 'JSON lines, or a table' }),
  from: instantSchema.optional().meta({ description: 'Not before; without it 366 days before the end' }),
  to: instantSchema.optional().meta({ description: 'Before; without it until now' }),
});

/** GET /v1/audit-log/export: the history of a time as a file, newest first. What is cut short is seen to be. */
export async function exportAuditLog(context: Context, request: Request, response: Response): Promise<void> {
  const { merchantId } = identityOf(request);
  const { format, ...wanted } = parseWith(exportAuditLogSchema, queryOf(request));
  const range = rangeOf(wanted);
  const { auditExports } = context;
  if (auditExports.has(merchantId))
    throw new AppError('too_many_requests', {
      detail: 'An export of this hotel is running. Wait for its end.',
      retryAfterSeconds: RETRY_AFTER_RUNNING_S,
    });
  auditExports.add(merchantId);
  try {
    const lanes = await openLanes(sourcesOf(context, merchantId, contextOf(request).requestId), range);
    await admitExport(context, merchantId, actorOf(request), { format, ...toJson(range) });
    await send(request, response, { format, range, lanes });
  } finally {
    auditExports.delete(merchantId);
  }
}

type Range = Required<{ from: Date; to: Date }>;

function rangeOf(wanted: Pick<AuditFilters, 'from' | 'to'>): Range {
  const to = wanted.to ?? new Date();
  const from = wanted.from ?? new Date(to.getTime() - RANGE_MAX_DAYS * DAY_MS);
  refuseEmptyRange({ from, to });
  if (to.getTime() - from.getTime() > RANGE_MAX_DAYS * DAY_MS)
    throw tooMuch(`lies more than ${RANGE_MAX_DAYS} days before the end`);
  return { from, to };
}

function tooMuch(what: string): AppError {
  return new AppError('validation_failed', {
    errors: [{ field: 'from', reason: `${what}: narrow the range` }],
  });
}

function toJson({ from, to }: Range): { from: string; to: string } {
  return { from: from.toISOString(), to: to.toISOString() };
}

/** Every source with its first page loaded: what is missing is found out before the first byte, and so is too much. */
async function openLanes(sources: readonly AuditSource[], range: Range): Promise<Lane[]> {
  const lanes = sources.map((source) => laneOf(source, 0));
  const olders = sources.map((source) => source.load({ to: range.from }, 0, 1));
  const [older] = await Promise.all([Promise.all(olders), fill(lanes, range, PAGE)]);
  // Numbers have no gaps, so two of them tell how many lie between.
  const counts = lanes.map(
    ({ queue }, index) => (queue[0]?.sequence ?? 0) - (older[index]?.entries[0]?.sequence ?? 0),
  );
  if (counts.reduce((sum, count) => sum + Math.max(0, count), 0) > EXPORT_MAX_ENTRIES)
    throw tooMuch(`leaves more than ${EXPORT_MAX_ENTRIES.toLocaleString('en')} entries`);
  return lanes;
}

type Export = { format: z.infer<typeof exportAuditLogSchema>['format']; range: Range; lanes: Lane[] };

async function send(request: Request, response: Response, { format, range, lanes }: Export): Promise<void> {
  const lines = linesOf(format);
  const days = [range.from, range.to].map((at) => at.toISOString().slice(0, 10)).join('-to-');
  response.setHeader('content-type', lines.contentType);
  response.setHeader('content-disposition', `attachment; filename="audit-log-${days}.${format}"`);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  try {
    // One page at a time, and the next only when the caller has taken this one. A source that fails cuts the answer off.
    const file = Readable.from(textOf(lines, lanes, range), { objectMode: true, highWaterMark: 1 });
    await pipeline(file, response, { signal: AbortSignal.timeout(EXPORT_MAX_MS) });
  } catch (error) {
    if (!isAbandoned(error)) throw error;
  }
}

async function* textOf(lines: Lines, lanes: readonly Lane[], range: Range): AsyncGenerator<string> {
  let sent = 0;
  if (lines.head !== '') yield lines.head;
  while (isLeft(lanes)) {
    const entries = merge(lanes, PAGE);
    sent += entries.length;
    if (sent > EXPORT_MAX_ENTRIES) throw new Error('an export holds more than was counted');
    if (entries.length > 0) yield entries.map(lines.lineOf).join('');
    await fill(lanes, range, PAGE);
  }
}

/** The caller went away; nobody is left to answer. */
function isAbandoned(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
