import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { ProviderEvent as ProviderEventMessage } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { EventFact } from '../providers/provider.ts';

export const EVENT_STATES = ['received', 'processed', 'unmatched', 'mismatch', 'parked'] as const;
export type EventState = (typeof EVENT_STATES)[number];

/** The columns that a list or a replay shows. */
export const PROVIDER_EVENT_COLUMNS = `
  e.merchant_id, e.id, e.provider, e.provider_account_id, e.provider_event_id, e.type, e.state, e.reason, e.payment_id,
  e.attempts, e.received_at, e.processed_at, e.fact`;

export type ProviderEventRow = {
  merchant_id: string;
  id: string;
  provider: string;
  provider_account_id: string;
  provider_event_id: string;
  type: string;
  state: EventState;
  reason: string;
  payment_id: string | null;
  attempts: number;
  received_at: Date;
  processed_at: Date | null;
  fact: StoredFact;
};

/** A fact as jsonb holds it: the amount as text, since JSON numbers pass through a double. */
export type StoredFact = Omit<EventFact, 'stated' | 'occurredAt' | 'operationId' | 'paymentId'> & {
  operationId: string | null;
  paymentId: string | null;
  stated: { amountMinor: string; currency: string } | null;
  occurredAt: string;
};

export function toStoredFact(fact: EventFact): StoredFact {
  return {
    ...fact,
    operationId: fact.operationId ?? null,
    paymentId: fact.paymentId ?? null,
    stated:
      fact.stated === undefined ? null : { ...fact.stated, amountMinor: fact.stated.amountMinor.toString() },
    occurredAt: fact.occurredAt.toISOString(),
  };
}

export function toFact(stored: StoredFact): EventFact {
  return {
    ...stored,
    operationId: stored.operationId ?? undefined,
    paymentId: stored.paymentId ?? undefined,
    stated:
      stored.stated === null
        ? undefined
        : { ...stored.stated, amountMinor: BigInt(stored.stated.amountMinor) },
    occurredAt: new Date(stored.occurredAt),
  };
}

/** The provider's object that a fact is about; empty when it tells none. */
export function objectReference(fact: Pick<EventFact, 'about' | 'paymentReferences'>): string {
  switch (fact.about.kind) {
    case 'refund':
      return fact.about.refundReference;
    case 'dispute':
      return fact.about.disputeReference;
    case 'payment':
    case 'other':
      return fact.paymentReferences[0] ?? '';
    default:
      throw new Error(`no reference for ${JSON.stringify(fact.about satisfies never)}`);
  }
}

export function toProviderEventMessage(row: ProviderEventRow): ProviderEventMessage {
  return {
    eventId: toPublicId('pev', row.id),
    merchantId: row.merchant_id,
    provider: row.provider,
    providerAccountId: toPublicId('pa', row.provider_account_id),
    providerEventId: row.provider_event_id,
    type: row.type,
    state: row.state,
    reason: row.reason,
    paymentId: row.payment_id === null ? '' : toPublicId('pay', row.payment_id),
    attempts: row.attempts,
    receivedAt: row.received_at,
    processedAt: row.processed_at ?? undefined,
    objectReference: objectReference(row.fact),
  };
}

/** The stored word of a mode message. */
export function modeOf(mode: Mode): 'test' | 'live' {
  return mode === Mode.MODE_LIVE ? 'live' : 'test';
}
