// Everything the simulator knows, in memory, rebuilt from the journal's state lines. A line is applied by the same
// code when it happens and when it is read back.
import { isMatch } from '../webhooks/webhook-endpoint.ts';
import type { Account, AccountKey } from '../accounts/account.ts';
import { Balance } from '../accounts/balance.ts';
import type { Charge } from '../charges/charge.ts';
import { sessionJson, type SessionRecord } from '../checkout-sessions/checkout-session.ts';
import { troubleOf } from '../disputes/aftermath.ts';
import { needsResponse, type DisputeRecord } from '../disputes/dispute.ts';
import { balanceEffect } from '../disputes/dispute-money.ts';
import type { EarlyFraudWarning } from '../early-fraud-warnings/early-fraud-warning.ts';
import type { EventRecord, EventSubject } from '../events/event.ts';
import { IdempotencyRecords, type IdempotencyRecord } from '../idempotency/idempotency-records.ts';
import type { PaymentIntent, PaymentIntentRecord } from '../payment-intents/payment-intent.ts';
import type { PaymentMethodRecord } from '../payment-methods/payment-method.ts';
import { behaviourOf } from '../payment-methods/test-cards.ts';
import type { RefundRecord } from '../refunds/refund.ts';
import { SearchIndex } from '../search/search-index.ts';
import { Timetable } from '../timetable/timetable.ts';
import type { WebhookEndpoint } from '../webhooks/webhook-endpoint.ts';
import { Collection } from './collection.ts';

/** A change of state inside one account and mode. */
export type ModeChange =
  | { type: 'payment_method'; value: PaymentMethodRecord }
  | { type: 'payment_intent'; value: PaymentIntentRecord }
  | { type: 'charge'; value: Charge }
  | { type: 'checkout_session'; value: SessionRecord }
  | { type: 'dispute'; value: DisputeRecord }
  | { type: 'early_fraud_warning'; value: EarlyFraudWarning }
  | { type: 'refund'; value: RefundRecord }
  | { type: 'event'; value: Omit<EventRecord, 'snapshot' | 'waiting'> }
  | { type: 'webhook_endpoint'; value: WebhookEndpoint }
  | { type: 'webhook_endpoint_deleted'; id: string }
  | { type: 'webhook_done'; event: string; endpoint: string; outcome: string };

/** A state line as the journal holds it. */
export type StateLine =
  | ({ kind: 'state'; account: string; livemode: boolean } & ModeChange)
  | { kind: 'state'; type: 'idempotency'; value: IdempotencyRecord }
  | { kind: 'state'; type: 'account'; value: Account }
  | { kind: 'state'; type: 'clock'; offset_ms: number };

/** All objects of one account in test or live mode; nothing crosses this border. */
export type Mode = {
  account: string;
  livemode: boolean;
  paymentMethods: Collection<PaymentMethodRecord>;
  paymentIntents: Collection<PaymentIntentRecord>;
  charges: Collection<Charge>;
  checkoutSessions: Collection<SessionRecord>;
  /** Ids of the sessions a guest can still pay. */
  openSessions: Set<string>;
  /** The session a PaymentIntent was made for, by the intent's id. */
  sessionOfIntent: Map<string, string>;
  disputes: Collection<DisputeRecord>;
  earlyFraudWarnings: Collection<EarlyFraudWarning>;
  refunds: Collection<RefundRecord>;
  events: Collection<EventRecord>;
  endpoints: Collection<WebhookEndpoint | null>;
  search: SearchIndex;
  balance: Balance;
};

/** Where an open 3-D Secure challenge belongs. */
export type Challenge = { mode: Mode; paymentIntent: string };

export class Store {
  readonly accounts = new Map<string, Account>();
  readonly idempotency = new IdempotencyRecords();
  readonly challenges = new Map<string, Challenge>();
  /** Where the session of a payment page belongs, by its id. */
  readonly checkouts = new Map<string, Mode>();
  readonly timetable = new Timetable();
  readonly #keys = new Map<string, { account: string; key: AccountKey }>();
  readonly #modes = new Map<string, Mode>();
  readonly #searchDelayMs: number;
  /** How long after its end a hold is still there, in milliseconds. */
  readonly expiryDelayMs: number;

  /** How long after a charge its dispute or fraud warning comes, in milliseconds. */
  readonly disputeDelayMs: number;

  constructor(searchDelayMs: number, expiryDelayMs = 0, disputeDelayMs = 0) {
    this.#searchDelayMs = searchDelayMs;
    this.expiryDelayMs = expiryDelayMs;
    this.disputeDelayMs = disputeDelayMs;
  }

  mode(account: string, livemode: boolean): Mode {
    const name = `${account}/${livemode ? 'live' : 'test'}`;
    const found = this.#modes.get(name);
    if (found) return found;
    const mode: Mode = {
      account,
      livemode,
      paymentMethods: new Collection(),
      paymentIntents: new Collection(),
      charges: new Collection(),
      checkoutSessions: new Collection(),
      openSessions: new Set(),
      sessionOfIntent: new Map(),
      disputes: new Collection(),
      earlyFraudWarnings: new Collection(),
      refunds: new Collection(),
      events: new Collection(),
      endpoints: new Collection(),
      search: new SearchIndex(this.#searchDelayMs),
      balance: new Balance(),
    };
    this.#modes.set(name, mode);
    return mode;
  }

  modes(): Iterable<Mode> {
    return this.#modes.values();
  }

  /** The account and key behind a hash, also when the key was revoked. */
  keyOf(hash: string): { account: Account; key: AccountKey } | undefined {
    const found = this.#keys.get(hash);
    const account = found && this.accounts.get(found.account);
    return account && found ? { account, key: found.key } : undefined;
  }

  /** Applies one state line that happened at `atMs`. The clock's own line is the caller's. */
  apply(line: StateLine, atMs: number): void {
    if (line.type === 'account') return this.#putAccount(line.value);
    if (line.type === 'idempotency') return this.idempotency.put(line.value);
    if (line.type === 'clock') return;
    applyToMode(this, this.mode(line.account, line.livemode), line, atMs);
  }

  #putAccount(account: Account): void {
    for (const key of this.accounts.get(account.id)?.keys ?? []) this.#keys.delete(key.hash);
    this.accounts.set(account.id, account);
    for (const key of account.keys) this.#keys.set(key.hash, { account: account.id, key });
  }
}

function applyToMode(store: Store, mode: Mode, line: ModeChange, atMs: number): void {
  switch (line.type) {
    case 'payment_method':
      return mode.paymentMethods.put(line.value.method.id, line.value, atMs);
    case 'payment_intent':
      return putPaymentIntent(store, mode, line.value, atMs);
    case 'charge':
      planAftermath(store, mode, line.value, atMs);
      mode.balance.book(mode.charges.get(line.value.id), line.value, isAvailableAtOnce(mode, line.value));
      return mode.charges.put(line.value.id, line.value, atMs);
    case 'checkout_session':
      return putSession(store, mode, line.value, atMs);
    case 'dispute':
      return putDispute(store, mode, line.value, atMs);
    case 'early_fraud_warning':
      store.timetable.clear('aftermath', line.value.charge);
      return mode.earlyFraudWarnings.put(line.value.id, line.value, atMs);
    case 'refund':
      return putRefund(store, mode, line.value, atMs);
    case 'event':
      return putEvent(mode, line.value, atMs);
    case 'webhook_endpoint':
      return mode.endpoints.put(line.value.id, line.value, atMs);
    case 'webhook_endpoint_deleted':
      return mode.endpoints.put(line.id, null, atMs);
    case 'webhook_done':
      mode.events.get(line.event)?.waiting.delete(line.endpoint);
      return;
    default:
      throw new Error(`unknown state line ${JSON.stringify(line satisfies never)}`);
  }
}

function putPaymentIntent(store: Store, mode: Mode, record: PaymentIntentRecord, atMs: number): void {
  const before = mode.paymentIntents.get(record.intent.id);
  mode.paymentIntents.put(record.intent.id, record, atMs);
  mode.search.put(record.intent, atMs);
  planExpiry(store, mode, record.intent);
  if (record.challenge && record.challenge.token !== before?.challenge?.token) {
    store.challenges.set(record.challenge.token, { mode, paymentIntent: record.intent.id });
  }
}

/** What is held on a card is released by itself when the network's window closes. */
function planExpiry(store: Store, mode: Mode, intent: PaymentIntent): void {
  const charge = intent.latest_charge === null ? undefined : mode.charges.get(intent.latest_charge);
  const captureBefore = charge?.payment_method_details.card.capture_before;
  if (intent.status !== 'requires_capture' || captureBefore === undefined) {
    store.timetable.clear('hold', intent.id);
    return;
  }
  const atMs = captureBefore * 1000 + store.expiryDelayMs;
  store.timetable.set({ kind: 'hold', mode, id: intent.id, atMs });
}

function putRefund(store: Store, mode: Mode, record: RefundRecord, atMs: number): void {
  const { id } = record.refund;
  mode.refunds.put(id, record, atMs);
  if (record.later) store.timetable.set({ kind: 'refund', mode, id, atMs: record.later.atMs });
  else store.timetable.clear('refund', id);
}

function putSession(store: Store, mode: Mode, record: SessionRecord, atMs: number): void {
  const { session } = record;
  mode.checkoutSessions.put(session.id, record, atMs);
  store.checkouts.set(session.id, mode);
  if (session.payment_intent) mode.sessionOfIntent.set(session.payment_intent, session.id);
  if (session.status === 'open') {
    mode.openSessions.add(session.id);
    store.timetable.set({ kind: 'checkout_session', mode, id: session.id, atMs: session.expires_at * 1000 });
    return;
  }
  mode.openSessions.delete(session.id);
  store.timetable.clear('checkout_session', session.id);
}

function putDispute(store: Store, mode: Mode, record: DisputeRecord, atMs: number): void {
  const { decision, dispute } = record;
  const change = balanceEffect(dispute) - balanceEffect(mode.disputes.get(dispute.id)?.dispute);
  mode.balance.move(dispute.currency, change);
  mode.disputes.put(dispute.id, record, atMs);
  store.timetable.clear('aftermath', dispute.charge);
  const dueMs =
    decision?.atMs ?? (needsResponse(dispute.status) ? dispute.evidence_details.due_by * 1000 : null);
  if (dueMs === null) store.timetable.clear('dispute', dispute.id);
  else store.timetable.set({ kind: 'dispute', mode, id: dispute.id, atMs: dueMs });
}

/** The first capture of a test card that makes trouble: its dispute or warning comes a while later. */
function planAftermath(store: Store, mode: Mode, charge: Charge, atMs: number): void {
  if (!charge.captured || mode.charges.get(charge.id)?.captured) return;
  if (troubleOf(mode, charge.payment_method) === undefined) return;
  store.timetable.set({ kind: 'aftermath', mode, id: charge.id, atMs: atMs + store.disputeDelayMs });
}

/** An event shows its object as it was when it happened, which is the version saved last. */
function putEvent(mode: Mode, value: Omit<EventRecord, 'snapshot' | 'waiting'>, atMs: number): void {
  const snapshot = snapshotOf(mode, value.object);
  if (!snapshot) throw new Error(`event ${value.id} is about ${value.object.id}, which does not exist`);
  mode.events.put(value.id, { ...value, snapshot, waiting: new Set(value.endpoints) }, atMs);
}

function snapshotOf(mode: Mode, { kind, id }: EventSubject): EventRecord['snapshot'] | undefined {
  switch (kind) {
    case 'charge':
      return mode.charges.get(id);
    case 'checkout_session': {
      const record = mode.checkoutSessions.get(id);
      return record && sessionJson(mode, record);
    }
    case 'dispute':
      return mode.disputes.get(id)?.dispute;
    case 'early_fraud_warning':
      return mode.earlyFraudWarnings.get(id);
    case 'payment_intent':
      return mode.paymentIntents.get(id)?.intent;
    case 'refund':
      return mode.refunds.get(id)?.refund;
    default:
      throw new Error(`unknown kind of object ${String(kind satisfies never)}`);
  }
}

function isAvailableAtOnce(mode: Mode, charge: Charge): boolean {
  const method = charge.payment_method ? mode.paymentMethods.get(charge.payment_method) : undefined;
  return method !== undefined && behaviourOf(method.behaviour).afterwards === 'bypass_pending';
}

/** The live endpoints of a mode that want an event of this type. */
export function endpointsFor(mode: Mode, eventType: string): WebhookEndpoint[] {
  return [...mode.endpoints.ids()].flatMap((id) => {
    const endpoint = mode.endpoints.get(id);
    return endpoint && isMatch(endpoint, eventType) ? [endpoint] : [];
  });
}
