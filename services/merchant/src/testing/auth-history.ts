import type {
  AuditEvent,
  ListAuditEventsRequest,
  ListAuditEventsResponse,
} from '@centra/proto/centra/auth/v1/auth.ts';
import { newUuid } from '@centra/service-kit/ids.ts';

/** An audit event as auth lists it; its hashes are made up. */
export function authEvent(sequence: number, at: string, more: Partial<AuditEvent> = {}): AuditEvent {
  return {
    sequence: BigInt(sequence),
    id: newUuid(),
    at,
    actor: 'user:usr_01jd0000000000000000000000',
    address: '203.0.113.9',
    requestId: 'req_01jd0000000000000000000000',
    action: 'role.updated',
    objectId: 'rol_01jd0000000000000000000000',
    before: '{"name": "Desk"}',
    after: '{"name": "Front desk"}',
    details: '',
    previousHash: Buffer.alloc(32, sequence - 1),
    hash: Buffer.alloc(32, sequence),
    ...more,
  };
}

/** Answers ListAuditEvents from these events, each hotel's own, as auth does. */
export function answerFrom(
  history: ReadonlyMap<string, readonly AuditEvent[]>,
): (request: ListAuditEventsRequest) => ListAuditEventsResponse {
  return (request) => {
    const found = (history.get(request.merchantId) ?? [])
      .filter((event) => request.beforeSequence === 0n || event.sequence < request.beforeSequence)
      .filter((event) => request.actor === '' || event.actor === request.actor)
      .filter((event) => request.action === '' || event.action === request.action)
      .filter((event) => request.objectId === '' || event.objectId === request.objectId)
      .filter((event) => request.from === undefined || new Date(event.at) >= request.from)
      .filter((event) => request.to === undefined || new Date(event.at) < request.to)
      .toSorted((one, other) => Number(other.sequence - one.sequence));
    return { events: found.slice(0, request.limit), hasMore: found.length > request.limit };
  };
}

/** Answers ListAuditEvents as if there were so many events, a second apart up to now, each with a page of text. */
export function answerWithMany(
  count: number,
  text = 'x',
): (request: ListAuditEventsRequest) => ListAuditEventsResponse {
  const newest = Date.now() - 1_000;
  /** How many are not after that time. */
  const upTo = (time: Date): number =>
    Math.min(count, Math.max(0, count - Math.ceil((newest - time.getTime()) / 1_000)));
  return ({ beforeSequence, limit, from, to }) => {
    const below = beforeSequence === 0n ? count : Number(beforeSequence) - 1;
    const first = Math.min(below, to === undefined ? count : upTo(to));
    const left = Math.max(0, first - (from === undefined ? 0 : upTo(from)));
    const events = Array.from({ length: Math.min(left, limit) }, (_, index) => {
      const sequence = first - index;
      const at = new Date(newest - (count - sequence) * 1_000).toISOString();
      return authEvent(sequence, at, { details: JSON.stringify({ text }) });
    });
    return { events, hasMore: left > limit };
  };
}
