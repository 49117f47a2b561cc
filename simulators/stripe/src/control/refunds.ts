import type { RequestHandler } from 'express';
import { z } from 'zod';

import type { Context } from '../context.ts';
import { FAILURE_REASONS, type RefundRecord } from '../refunds/refund.ts';
import { canBecome, decideRefund } from '../refunds/settle-refund.ts';
import type { Mode } from '../store/store.ts';
import { Work } from '../store/work.ts';
import { readInput } from './control-input.ts';

const outcomeInput = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('succeeded') }),
  z.strictObject({ status: z.literal('failed'), failure_reason: z.enum(FAILURE_REASONS).default('unknown') }),
]);

/** `POST /_control/refunds/:id`: what the bank makes of a refund later. On disk when it answers. */
export function decideRefundByControl(context: Context): RequestHandler {
  return async (req, res) => {
    const input = readInput(outcomeInput, req.body, res);
    if (!input) return;
    const id = req.params['id'];
    const found = typeof id === 'string' ? findAnywhere(context, id) : undefined;
    if (!found) {
      res.status(404).json({ error: 'no such refund' });
      return;
    }
    const { mode, record } = found;
    if (!canBecome(record, input.status)) {
      res
        .status(409)
        .json({ error: `a refund that is ${record.refund.status} does not become ${input.status}` });
      return;
    }
    const work = new Work(context.store, mode, context.clock.now(), {
      requestId: null,
      idempotencyKey: null,
    });
    const outcome =
      input.status === 'failed'
        ? { status: input.status, reason: input.failure_reason }
        : { status: input.status };
    const { refund } = decideRefund(work, record, outcome);
    await context.journal.append(work.lines, work.nowMs);
    void context.webhooks.send(mode, work.events);
    res.json(refund);
  };
}

function findAnywhere(context: Context, id: string): { mode: Mode; record: RefundRecord } | undefined {
  for (const mode of context.store.modes()) {
    const record = mode.refunds.get(id);
    if (record) return { mode, record };
  }
  return undefined;
}
