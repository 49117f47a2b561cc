import { z } from 'zod';

/** The services that keep a part of a hotel's history. */
export const SOURCES = ['auth', 'merchant'] as const;
export type SourceName = (typeof SOURCES)[number];

const json = z.record(z.string(), z.unknown()).nullable();

export const auditEntrySchema = z
  .object({
    source: z.enum(SOURCES).meta({ description: 'The service that wrote it, each with a chain of its own' }),
    sequence: z.int().meta({ description: '1, 2, 3 … in its chain', example: 17 }),
    id: z.uuid().nullable().meta({ description: 'Part of what is hashed, where the source gives ids' }),
    at: z.iso.datetime().meta({ description: 'To the microsecond', example: '2026-11-21T09:30:00.123456Z' }),
    actor: z.string().meta({ example: 'user:usr_01jd0000000000000000000000' }),
    address: z.string().meta({ example: '203.0.113.7' }),
    request_id: z.string().meta({ example: 'req_01jd0000000000000000000000' }),
    action: z.string().meta({ example: 'provider_account.rotated' }),
    object_id: z.string().meta({ example: 'pa_01jd0000000000000000000000' }),
    before: json.meta({ description: 'As it was; secrets are masked' }),
    after: json.meta({ description: 'As it is since; secrets are masked' }),
    details: json.meta({ description: 'What else belongs to it' }),
    previous_hash: z.string().meta({ description: 'Hash of the entry before in its chain, hex' }),
    hash: z.string().meta({ description: 'SHA-256, hex' }),
  })
  .meta({ id: 'AuditEntry' });

/** One entry of a hotel's history, from either service. */
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** What a reader may ask for; every field is exact. */
export type AuditFilters = {
  actor?: string | undefined;
  action?: string | undefined;
  objectId?: string | undefined;
  /** Inclusive. */
  from?: Date | undefined;
  /** Exclusive. */
  to?: Date | undefined;
};

// Before the first hotel, and further than any clock: what lies outside is a slip, and the database need not take it.
const FIRST_MS = Date.UTC(1970, 0, 1);
const LAST_MS = Date.UTC(3000, 0, 1);

/** A bound in time as RFC 3339 writes it. Digits below the millisecond are cut off. */
export const instantSchema = z.iso
  .datetime({ offset: true, error: 'must be a time as in RFC 3339, such as 2026-11-21T09:30:00Z' })
  .max(40)
  .transform((text) => new Date(text))
  .refine((at) => at.getTime() >= FIRST_MS && at.getTime() < LAST_MS, 'must lie between 1970 and 2999')
  .meta({ override: { type: 'string', format: 'date-time' } });
