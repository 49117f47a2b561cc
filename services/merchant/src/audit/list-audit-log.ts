import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { findMerchant } from '../merchants/merchant.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant } from '../tenant.ts';
import { CURSOR_MAX_LENGTH, readCursor, writeCursor } from './audit-cursor.ts';
import { auditEntrySchema, instantSchema } from './audit-entry.ts';
import type { AuditFilters } from './audit-entry.ts';
import { recordAuditEvent } from './audit-event.ts';
import { sourcesOf } from './audit-source.ts';
import { fill, isLeft, laneOf, merge, placeOf } from './merge-audit.ts';

export const listAuditLogSchema = z.strictObject({
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .default('20')
    .transform(Number)
    .meta({ override: { type: 'integer', minimum: 1, maximum: 100, default: 20 } }),
  cursor: z
    .string()
    .max(CURSOR_MAX_LENGTH)
    .optional()
    .meta({ description: 'The `next_cursor` of the page before' }),
  // Longer than anything that is ever written there.
  actor: z.string().min(1).max(200).optional().meta({ description: 'Exactly this actor' }),
  action: z.string().min(1).max(100).optional().meta({ description: 'Exactly this action' }),
  object_id: z.string().min(1).max(200).optional().meta({ description: 'Exactly this object' }),
  from: instantSchema.optional().meta({ description: 'Not before' }),
  to: instantSchema.optional().meta({ description: 'Before' }),
});

export const auditLogPageSchema = z
  .object({ data: z.array(auditEntrySchema), has_more: z.boolean(), next_cursor: z.string().nullable() })
  .meta({ id: 'AuditLogPage' });

/** GET /v1/audit-log: who changed what, over both services that keep settings, newest first. */
export async function listAuditLog(context: Context, request: Request, response: Response): Promise<void> {
  const { merchantId } = identityOf(request);
  const { limit, cursor, ...wanted } = parseWith(listAuditLogSchema, queryOf(request));
  const filters = filtersOf(wanted);
  const places = cursor === undefined ? [] : readCursor(merchantId, filters, cursor);
  const lanes = sourcesOf(context, merchantId, contextOf(request).requestId).map((source, index) =>
    laneOf(source, places[index] ?? 0),
  );
  await fill(lanes, filters, limit);
  const data = merge(lanes, limit);
  const more = isLeft(lanes);
  await noteReading(context, request, merchantId);
  response.json({
    data,
    has_more: more,
    next_cursor: more ? writeCursor(merchantId, filters, lanes.map(placeOf)) : null,
  });
}

function filtersOf(wanted: Omit<z.infer<typeof listAuditLogSchema>, 'limit' | 'cursor'>): AuditFilters {
  const { object_id: objectId, ...rest } = wanted;
  refuseEmptyRange(rest);
  return { ...rest, objectId };
}

/** 400 for a range in which nothing can lie. */
export function refuseEmptyRange({ from, to }: Pick<AuditFilters, 'from' | 'to'>): void {
  if (from !== undefined && to !== undefined && from >= to)
    throw new AppError('validation_failed', { errors: [{ field: 'from', reason: 'must be before `to`' }] });
}

/**
 * That somebody looked is part of the history (PCI DSS 10.2.1.3): once an hour for each of them, else the pages of one
 * evening would bury what they show.
 */
async function noteReading(context: Context, request: Request, merchantId: string): Promise<void> {
  const by = actorOf(request);
  await asMerchant(context, merchantId, async (tx) => {
    const noted = await tx.execute<unknown[]>(
      `select 1 from audit_events where merchant_id = ? and action = 'audit_log.read' and actor = ?
         and at > clock_timestamp() - interval '1 hour' limit 1`,
      [merchantId, by.actor],
    );
    // A hotel that auth knows and nobody registered here has no history to add to.
    if (noted.length > 0 || (await findMerchant(tx, merchantId)) === undefined) return;
    const objectId = toPublicId('mer', merchantId);
    await recordAuditEvent(tx, by, { merchantId, action: 'audit_log.read', objectId });
  });
}
