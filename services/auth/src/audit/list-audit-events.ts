import type {
  AuditEvent as Event,
  ListAuditEventsRequest,
  ListAuditEventsResponse,
} from '@centra/proto/centra/auth/v1/auth.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';

// Longer than any of ours: it filters nothing that exists.
const filterSchema = z.string().max(200);

const listAuditEventsSchema = z.strictObject({
  merchantId: z.uuid(),
  limit: z.int().min(1).max(100),
  beforeSequence: z.bigint().min(0n),
  actor: filterSchema,
  action: filterSchema,
  objectId: filterSchema,
  from: z.date().optional(),
  to: z.date().optional(),
});

type Wanted = z.infer<typeof listAuditEventsSchema>;

/**
 * ListAuditEvents: a hotel's trail, newest first, each event as it is stored, so that a reader can check the chain: `details`
 * with `before` and `after` in it again is what was hashed.
 */
export async function listAuditEvents(
  context: Context,
  request: ListAuditEventsRequest,
  _call: CallContext,
): Promise<ListAuditEventsResponse> {
  const wanted = parseWith(listAuditEventsSchema, request);
  const rows = await asReader(context, wanted.merchantId).transactional((tx) => readEvents(tx, wanted));
  return { events: rows.slice(0, wanted.limit).map(toEvent), hasMore: rows.length > wanted.limit };
}

type EventRow = Omit<Event, 'sequence'> & { sequence: string };

async function readEvents(tx: EntityManager, wanted: Wanted): Promise<EventRow[]> {
  // Only what is asked for, so that each filter finds its index.
  const conditions: [text: string, value: string | bigint][] = [['merchant_id = ?', wanted.merchantId]];
  if (wanted.beforeSequence > 0n) conditions.push(['sequence < ?', wanted.beforeSequence]);
  if (wanted.actor !== '') conditions.push(['actor = ?', wanted.actor]);
  if (wanted.action !== '') conditions.push(['action = ?', wanted.action]);
  if (wanted.objectId !== '') conditions.push(['object_id = ?', wanted.objectId]);
  if (wanted.from !== undefined) conditions.push(['at >= ?::timestamptz', wanted.from.toISOString()]);
  if (wanted.to !== undefined) conditions.push(['at < ?::timestamptz', wanted.to.toISOString()]);
  return await tx.execute<EventRow[]>(
    `${EVENTS} where ${conditions.map(([text]) => text).join(' and ')} order by sequence desc limit ?`,
    [...conditions.map(([, value]) => value), wanted.limit + 1],
  );
}

const EVENTS = `
select id, sequence, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, actor, address,
  request_id as "requestId", action, object_id as "objectId",
  coalesce((details -> 'before')::text, '') as before, coalesce((details -> 'after')::text, '') as after,
  coalesce(nullif(details - 'before' - 'after', '{}')::text, '') as details,
  previous_hash as "previousHash", hash
from audit_events`;

function toEvent({ sequence, ...event }: EventRow): Event {
  return { ...event, sequence: BigInt(sequence) };
}
