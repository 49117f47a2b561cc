import type { Account } from '../accounts/account.ts';
import type { EventRecord, EventSubject, EventType } from '../events/event.ts';
import { newId } from '../ids.ts';
import type { JournalDraft } from '../journal/journal.ts';
import { endpointsFor, type Mode, type ModeChange, type Store } from './store.ts';

/** Where a change came from; events repeat it. */
export type Origin = { requestId: string | null; idempotencyKey: string | null };

/**
 * What one request does: state, effects and events, as journal lines in order.
 * State changes at once (the process has one thread), and nobody is told before the lines are on disk.
 */
export class Work {
  readonly lines: JournalDraft[] = [];
  readonly events: EventRecord[] = [];
  readonly mode: Mode;
  readonly nowMs: number;
  readonly origin: Origin;
  readonly #store: Store;

  constructor(store: Store, mode: Mode, nowMs: number, origin: Origin) {
    this.#store = store;
    this.mode = mode;
    this.nowMs = nowMs;
    this.origin = origin;
  }

  /** The account all of this belongs to. */
  get account(): Account | undefined {
    return this.#store.accounts.get(this.mode.account);
  }

  save(change: ModeChange): void {
    const { account, livemode } = this.mode;
    const line = { kind: 'state' as const, account, livemode, ...change };
    this.lines.push(line);
    this.#store.apply(line, this.nowMs);
  }

  /** Something that happened in the outside world: the lines that tests count. */
  effect(effect: string, facts: Record<string, unknown>): void {
    const { account, livemode } = this.mode;
    const { requestId, idempotencyKey } = this.origin;
    this.lines.push({
      kind: 'effect',
      effect,
      account,
      livemode,
      request_id: requestId,
      idempotency_key: idempotencyKey,
      ...facts,
    });
  }

  /**
   * Tells the account's endpoints about an object that was saved just before. `previous` is what its changed fields were,
   * for the events that say so.
   */
  event(type: EventType, object: EventSubject, previous?: Record<string, unknown>): void {
    const id = newId('evt');
    const endpoints = endpointsFor(this.mode, type).map((endpoint) => endpoint.id);
    const request = { id: this.origin.requestId, idempotency_key: this.origin.idempotencyKey };
    this.save({
      type: 'event',
      value: {
        id,
        type,
        created: Math.floor(this.nowMs / 1000),
        request,
        object,
        endpoints,
        ...(previous ? { previous } : {}),
      },
    });
    const saved = this.mode.events.get(id);
    if (saved) this.events.push(saved);
  }
}
