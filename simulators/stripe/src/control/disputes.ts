import type { RequestHandler } from 'express';
import { z } from 'zod';

import type { Charge } from '../charges/charge.ts';
import { findMode } from '../checkout-sessions/guest-visit.ts';
import type { Context } from '../context.ts';
import { DISPUTE_STATUSES } from '../disputes/dispute.ts';
import { DISPUTE_REASONS } from '../disputes/dispute-reason.ts';
import { canMove, moveDispute } from '../disputes/move-dispute.ts';
import { openDispute } from '../disputes/open-dispute.ts';
import type { Mode } from '../store/store.ts';
import { Work } from '../store/work.ts';
import { readInput } from './control-input.ts';

const openInput = z.strictObject({
  charge: z.string().max(255).optional(),
  payment_intent: z.string().max(255).optional(),
  reason: z.enum(DISPUTE_REASONS).default('fraudulent'),
  amount: z.int().min(1).optional(),
  status: z.enum(['needs_response', 'warning_needs_response']).default('needs_response'),
});

/** `POST /_control/disputes`: a dispute of any captured charge, whatever its card. */
export function createDispute(context: Context): RequestHandler {
  return async (req, res) => {
    const input = readInput(openInput, req.body, res);
    if (!input) return;
    const found = findCharge(context, input.charge, input.payment_intent);
    if (!found) {
      res.status(404).json({ error: 'no such charge' });
      return;
    }
    const { charge, mode } = found;
    const rest = charge.amount_captured - charge.amount_refunded;
    const amount = input.amount ?? rest;
    if (!charge.captured || amount < 1 || amount > rest) {
      res.status(400).json({ error: `amount: at most ${rest} of this charge can be disputed` });
      return;
    }
    if ([...mode.disputes.ids()].some((id) => mode.disputes.get(id)?.dispute.charge === charge.id)) {
      res.status(409).json({ error: 'the charge has a dispute already' });
      return;
    }
    const work = workIn(context, mode);
    const record = openDispute(work, charge, { reason: input.reason, amount, status: input.status });
    await commit(context, mode, work);
    res.status(201).json(record.dispute);
  };
}

/** `POST /_control/disputes/:id`: what the cardholder's bank does next. */
export function changeDispute(context: Context): RequestHandler {
  return async (req, res) => {
    const input = readInput(z.strictObject({ status: z.enum(DISPUTE_STATUSES) }), req.body, res);
    if (!input) return;
    const { id } = req.params;
    const disputeId = typeof id === 'string' ? id : '';
    const mode = findMode(context, ({ disputes }) => disputes.has(disputeId));
    const record = mode?.disputes.get(disputeId);
    if (!mode || !record) {
      res.status(404).json({ error: 'no such dispute' });
      return;
    }
    if (!canMove(record.dispute.status, input.status)) {
      res.status(409).json({ error: `status: cannot go from ${record.dispute.status} to ${input.status}` });
      return;
    }
    const work = workIn(context, mode);
    const moved = moveDispute(work, record, input.status);
    await commit(context, mode, work);
    res.json(moved.dispute);
  };
}

function findCharge(
  context: Context,
  charge: string | undefined,
  intent: string | undefined,
): { mode: Mode; charge: Charge } | undefined {
  for (const mode of context.store.modes()) {
    const id = charge ?? (intent && mode.paymentIntents.get(intent)?.intent.latest_charge) ?? '';
    const found = mode.charges.get(id);
    if (found) return { mode, charge: found };
  }
  return undefined;
}

function workIn(context: Context, mode: Mode): Work {
  return new Work(context.store, mode, context.clock.now(), { requestId: null, idempotencyKey: null });
}

async function commit(context: Context, mode: Mode, work: Work): Promise<void> {
  await context.journal.append(work.lines, work.nowMs);
  void context.webhooks.send(mode, work.events);
}
