import { expireSession } from '../checkout-sessions/expire-session.ts';
import type { Core } from '../context.ts';
import { runAftermath } from '../disputes/aftermath.ts';
import { decideDispute } from '../disputes/decide-dispute.ts';
import { expireHold } from '../payment-intents/expire-hold.ts';
import { settleRefund } from '../refunds/settle-refund.ts';
import { Work } from '../store/work.ts';
import type { WebhookSender } from '../webhooks/webhook-sender.ts';
import type { Due } from './timetable.ts';

/** Lets the store's timetable act on the simulator's clock; call it once, when webhooks may leave. */
export function startTimetable(core: Core, webhooks: WebhookSender): void {
  const { clock, store } = core;
  store.timetable.start((due) => clock.at(due.atMs, () => void runDue(core, webhooks, due)));
}

async function runDue(core: Core, webhooks: WebhookSender, due: Due): Promise<void> {
  if (!core.store.timetable.has(due.kind, due.id)) return;
  core.store.timetable.clear(due.kind, due.id);
  const work = new Work(core.store, due.mode, core.clock.now(), { requestId: null, idempotencyKey: null });
  act(work, due);
  try {
    await core.journal.append(work.lines, work.nowMs);
    void webhooks.send(due.mode, work.events);
  } catch (error) {
    // The journal refuses everything from here on; every request says so.
    console.error('what was due could not be journalled', error);
  }
}

function act(work: Work, { kind, id }: Due): void {
  switch (kind) {
    case 'aftermath':
      return runAftermath(work, id);
    case 'checkout_session':
      return expireSession(work, id);
    case 'dispute':
      return decideDispute(work, id);
    case 'hold':
      return expireHold(work, id);
    case 'refund':
      return settleRefund(work, id);
    default:
      throw new Error(`unknown plan ${String(kind satisfies never)}`);
  }
}
