import type { Core } from '../context.ts';
import type { Mode } from '../store/store.ts';
import { Work } from '../store/work.ts';
import type { WebhookSender } from '../webhooks/webhook-sender.ts';
import { chargeCard } from './charge-card.ts';
import type { PaymentIntentRecord } from './payment-intent.ts';

/** Decides payments that were left in `processing` once their time has come, also after a restart. */
export class Settlements {
  readonly #core: Core;
  readonly #webhooks: WebhookSender;

  constructor(core: Core, webhooks: WebhookSender) {
    this.#core = core;
    this.#webhooks = webhooks;
  }

  plan(mode: Mode, record: PaymentIntentRecord): void {
    if (record.settlesAtMs === null) return;
    this.#core.clock.at(record.settlesAtMs, () => void this.#settle(mode, record.intent.id));
  }

  /** Plans what an earlier run left open. */
  resume(): void {
    for (const mode of this.#core.store.modes()) {
      for (const id of mode.paymentIntents.ids()) {
        const record = mode.paymentIntents.get(id);
        if (record?.intent.status === 'processing') this.plan(mode, record);
      }
    }
  }

  async #settle(mode: Mode, id: string): Promise<void> {
    const record = mode.paymentIntents.get(id);
    const method = record?.intent.payment_method
      ? mode.paymentMethods.get(record.intent.payment_method)
      : undefined;
    if (!record || !method || record.intent.status !== 'processing') return;
    const work = new Work(this.#core.store, mode, this.#core.clock.now(), {
      requestId: null,
      idempotencyKey: null,
    });
    chargeCard(work, record, method, {});
    try {
      await this.#core.journal.append(work.lines, work.nowMs);
      void this.#webhooks.send(mode, work.events);
    } catch (error) {
      // The journal refuses everything from here on; every request says so.
      console.error('a settlement could not be journalled', error);
    }
  }
}
