// Everything the simulator knows, in memory, rebuilt from the journal's state lines. A line is applied by the same
// code when it happens and when it is read back.
import { isMatch } from '../webhooks/webhook-endpoint.ts';
import type { Account, AccountKey } from '../accounts/account.ts';
import { Balance } from '../accounts/balance.ts';
import type { Charge } from '../charges/charge.ts';
import type { EventRecord } from '../events/event.ts';
import { IdempotencyRecords, type IdempotencyRecord } from '../idempotency/idempotency-records.ts';
import type { PaymentIntentRecord } from '../payment-intents/payment-intent.ts';
import type { PaymentMethodRecord } from '../payment-methods/payment-method.ts';
import { behaviourOf } from '../payment-methods/test-cards.ts';
import { SearchIndex } from '../search/search-index.ts';
import type { WebhookEndpoint } from '../webhooks/webhook-endpoint.ts';
import { Collection } from './collection.ts';

/** A change of state inside one account and mode. */
export type ModeChange =
  | { type: 'payment_method'; value: PaymentMethodRecord }
  | { type: 'payment_intent'; value: PaymentIntentRecord }
  | { type: 'charge'; value: Charge }
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
  readonly #keys = new Map<string, { account: string; key: AccountKey }>();
  readonly #modes = new Map<string, Mode>();
  readonly #searchDelayMs: number;

  constructor(searchDelayMs: number) {
    this.#searchDelayMs = searchDelayMs;
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
      mode.balance.book(mode.charges.get(line.value.id), line.value, isAvailableAtOnce(mode, line.value));
      return mode.charges.put(line.value.id, line.value, atMs);
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
  if (record.challenge && record.challenge.token !== before?.challenge?.token) {
    store.challenges.set(record.challenge.token, { mode, paymentIntent: record.intent.id });
  }
}

/** An event shows its object as it was when it happened, which is the version saved last. */
function putEvent(mode: Mode, value: Omit<EventRecord, 'snapshot' | 'waiting'>, atMs: number): void {
  const { kind, id } = value.object;
  const snapshot = kind === 'charge' ? mode.charges.get(id) : mode.paymentIntents.get(id)?.intent;
  if (!snapshot) throw new Error(`event ${value.id} is about ${id}, which does not exist`);
  mode.events.put(value.id, { ...value, snapshot, waiting: new Set(value.endpoints) }, atMs);
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
