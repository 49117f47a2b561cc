import { createHash } from 'node:crypto';
import { AppError } from '@centra/service-kit/errors.ts';
import { z } from 'zod';
import type { AuditFilters } from './audit-entry.ts';

/** Two numbers of sixteen digits and a digest fit well. */
export const CURSOR_MAX_LENGTH = 128;

const placesSchema = z.tuple([z.string(), z.int().min(1), z.int().min(1)]);

/** For each source the number that the next entry must be below. */
export type Places = readonly number[];

/** The places of a list's next page, good for the same hotel and the same filters only. */
export function writeCursor(merchantId: string, filters: AuditFilters, places: Places): string {
  return Buffer.from(JSON.stringify([digestOf(merchantId, filters), ...places])).toString('base64url');
}

/** 400 for what no list answered, and for a list with other filters or of another hotel. */
export function readCursor(merchantId: string, filters: AuditFilters, cursor: string): Places {
  const read = placesSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!read.success) throw notOurs('is not a cursor that a list answered');
  const [digest, ...places] = read.data;
  if (digest !== digestOf(merchantId, filters)) throw notOurs('is a cursor of a list with other filters');
  return places;
}

// No secret: a place shows nothing of another hotel, whoever makes it up. It is a guard against mixed-up lists.
function digestOf(merchantId: string, filters: AuditFilters): string {
  const { actor, action, objectId, from, to } = filters;
  const text = JSON.stringify([merchantId, actor, action, objectId, from, to].map((each) => each ?? null));
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notOurs(reason: string): AppError {
  return new AppError('validation_failed', { errors: [{ field: 'cursor', reason }] });
}
