import type { RequestHandler } from 'express';
import { z } from 'zod';

import { sessionJson } from '../checkout-sessions/checkout-session.ts';
import { closeVisit, openVisit } from '../checkout-sessions/guest-visit.ts';
import { paySession } from '../checkout-sessions/pay-session.ts';
import type { Context } from '../context.ts';
import { StripeError } from '../http/stripe-error.ts';
import { findPaymentMethod } from '../payment-methods/payment-method.ts';
import { readInput } from './control-input.ts';

/** How long a delayed payment takes unless told otherwise, in milliseconds on the simulator's clock. */
const DELAY_DEFAULT_MS = 60_000;

const payInput = z.strictObject({
  card: z.string().min(1).max(255).default('pm_card_visa'),
  even_if_expired: z.boolean().default(false),
  delayed: z.boolean().default(false),
  delay_ms: z.int().min(0).max(2_592_000_000).default(DELAY_DEFAULT_MS),
});

/**
 * `POST /_control/checkout/sessions/:id/pay`: a guest without a browser. `even_if_expired` is the payment that was under
 * way when the time ran out: the session completes although it had expired.
 */
export function payCheckoutSession(context: Context): RequestHandler {
  return async (req, res) => {
    const input = readInput(payInput, req.body, res);
    if (!input) return;
    const { id } = req.params;
    const sessionId = typeof id === 'string' ? id : '';
    const visit = openVisit(context, sessionId, { method: 'POST', path: `/c/pay/${sessionId}` });
    const record = visit?.request.mode.checkoutSessions.get(sessionId);
    if (!visit || !record) {
      res.status(404).json({ error: 'no such checkout session' });
      return;
    }
    const { status } = record.session;
    if (status !== 'open' && !(status === 'expired' && input.even_if_expired)) {
      await closeVisit(visit, 409);
      res.status(409).json({ error: `the session is ${status}` });
      return;
    }
    const { request } = visit;
    try {
      const method = findPaymentMethod(request, input.card);
      const outcome = paySession(request, record, method, input.delayed ? input.delay_ms : undefined);
      await closeVisit(visit, 200);
      const after = request.mode.checkoutSessions.get(sessionId) ?? record;
      res.json({ ...outcome, session: sessionJson(request.mode, after) });
    } catch (error) {
      if (!(error instanceof StripeError)) throw error;
      await closeVisit(visit, 400);
      res.status(400).json({ error: error.message });
    }
  };
}
