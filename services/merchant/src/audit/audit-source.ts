import type { AuditEvent } from '@centra/proto/centra/auth/v1/auth.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import type { Context } from '../context.ts';
import { readAsMerchant } from '../tenant.ts';
import type { AuditEntry, AuditFilters, SourceName } from './audit-entry.ts';
import { CHAINED_COLUMNS, readJson, toChainedJson } from './chained-row.ts';
import type { ChainedRow } from './chained-row.ts';

/** Entries of one source, newest first. */
export type AuditPage = { entries: AuditEntry[]; hasMore: boolean };

/** One part of a hotel's history. */
export type AuditSource = {
  name: SourceName;
  /** Up to `limit` (100 at most) entries with a smaller number than `before`; 0: from the newest on. */
  load(filters: AuditFilters, before: number, limit: number): Promise<AuditPage>;
};

/** Both parts of a hotel's history. Without auth there is none: half a history would pass for a whole one. */
export function sourcesOf(context: Context, merchantId: string, requestId: string): AuditSource[] {
  return [
    { name: 'auth', load: (...wanted) => loadOfAuth(context, merchantId, requestId, ...wanted) },
    { name: 'merchant', load: (...wanted) => loadOwn(context, merchantId, ...wanted) },
  ];
}

// A page of 100 is one range of an index there.
const AUTH_DEADLINE_MS = 1_500;

async function loadOfAuth(
  context: Context,
  merchantId: string,
  requestId: string,
  filters: AuditFilters,
  before: number,
  limit: number,
): Promise<AuditPage> {
  const { authClient } = context;
  const { actor = '', action = '', objectId = '', from, to } = filters;
  const asked = { merchantId, limit, beforeSequence: BigInt(before), actor, action, objectId, from, to };
  const call = { metadata: callMetadata(requestId), deadlineMs: AUTH_DEADLINE_MS };
  try {
    const page = await callUnary(authClient.listAuditEvents.bind(authClient), asked, call);
    return { entries: page.events.map(fromAuth), hasMore: page.hasMore };
  } catch (error) {
    throw new AppError('unavailable', {
      cause: error,
      internal: 'auth did not list its audit events',
      retryAfterSeconds: 1,
    });
  }
}

function fromAuth(event: AuditEvent): AuditEntry {
  return {
    source: 'auth',
    sequence: Number(event.sequence),
    id: event.id === '' ? null : event.id,
    at: event.at,
    actor: event.actor,
    address: event.address,
    request_id: event.requestId,
    action: event.action,
    object_id: event.objectId,
    before: readJson(event.before),
    after: readJson(event.after),
    details: readJson(event.details),
    previous_hash: event.previousHash.toString('hex'),
    hash: event.hash.toString('hex'),
  };
}

async function loadOwn(
  context: Context,
  merchantId: string,
  filters: AuditFilters,
  before: number,
  limit: number,
): Promise<AuditPage> {
  const { text, values } = conditionOf(filters, before);
  const rows = await readAsMerchant(context, merchantId, (tx) =>
    tx.execute<ChainedRow[]>(
      `select ${CHAINED_COLUMNS} from audit_events
        where merchant_id = ?${text} order by seq desc limit ?`,
      // One more tells whether there is a next page.
      [merchantId, ...values, limit + 1],
    ),
  );
  return { entries: rows.slice(0, limit).map(fromOwn), hasMore: rows.length > limit };
}

function conditionOf(filters: AuditFilters, before: number): { text: string; values: unknown[] } {
  const conditions: [string, unknown][] = [
    ['seq < ?', before === 0 ? undefined : before],
    ['actor = ?', filters.actor],
    ['action = ?', filters.action],
    ['object_id = ?', filters.objectId],
    ['at >= ?::timestamptz', filters.from?.toISOString()],
    ['at < ?::timestamptz', filters.to?.toISOString()],
  ];
  const given = conditions.filter(([, value]) => value !== undefined);
  return {
    text: given.map(([condition]) => ` and ${condition}`).join(''),
    values: given.map(([, value]) => value),
  };
}

function fromOwn(row: ChainedRow): AuditEntry {
  return { source: 'merchant', id: null, ...toChainedJson(row), details: null };
}
