import { z } from 'zod';
import { auditEntrySchema } from './audit-entry.ts';

/** One entry of a chain that this service keeps, of a hotel or of an organisation. */
export const chainedEntrySchema = auditEntrySchema.omit({ source: true, id: true, details: true });

type ChainedEntry = z.infer<typeof chainedEntrySchema>;

/** A row as `CHAINED_COLUMNS` selects it. */
export type ChainedRow = Omit<ChainedEntry, 'sequence' | 'before' | 'after'> & {
  sequence: string;
  before: string | null;
  after: string | null;
};

/**
 * What is shown of `audit_events` and `organisation_events`. As text: what is hashed is neither rounded to milliseconds nor
 * read as a number that JavaScript cannot hold.
 */
export const CHAINED_COLUMNS = `seq::text as sequence,
  to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, actor, address, request_id, action, object_id,
  before::text as before, after::text as after, encode(previous_hash, 'hex') as previous_hash, encode(hash, 'hex') as hash`;

/** The public form. */
export function toChainedJson({ sequence, before, after, ...row }: ChainedRow): ChainedEntry {
  return {
    sequence: Number(sequence),
    ...row,
    before: readJson(before ?? ''),
    after: readJson(after ?? ''),
  };
}

const objectSchema = z.record(z.string(), z.unknown()).nullable();

/** An object as the database or auth wrote it; '' is none. */
export function readJson(text: string): ChainedEntry['before'] {
  return text === '' ? null : objectSchema.parse(JSON.parse(text));
}
