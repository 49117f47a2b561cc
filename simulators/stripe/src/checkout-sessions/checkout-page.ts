import type { Request, RequestHandler } from 'express';

import type { Context } from '../context.ts';
import { exchange, type Reply } from '../http/exchange.ts';
import { parseForm, type ParamTree } from '../http/form.ts';
import { page, redirect } from '../http/page.ts';
import { StripeError } from '../http/stripe-error.ts';
import { newPaymentMethod } from '../payment-methods/new-payment-method.ts';
import type { SessionRecord } from './checkout-session.ts';
import { checkoutPage, expiredPage, unknownPage } from './checkout-form.ts';
import { closeVisit, openVisit, type Visit } from './guest-visit.ts';
import { guestWords, paySession } from './pay-session.ts';

/** `GET /c/pay/:id`, and `GET /c/pay/:id/return` where the bank's page sends the guest back to. */
export function showCheckout(context: Context): RequestHandler {
  return async (req, res) => {
    await exchange(context, req, res, async () => {
      const visit = visitOf(context, req);
      if (!visit) return unknownPage();
      const record = recordOf(visit);
      const reply = isPayable(record) ? checkoutPage(record, 200, lastProblem(visit, record)) : leave(record);
      await closeVisit(visit, reply.status);
      return reply;
    });
  };
}

/** `POST /c/pay/:id`: the guest submits the form. The card number goes no further than the payment method's digest. */
export function submitCheckout(context: Context): RequestHandler {
  return async (req, res) => {
    await exchange(context, req, res, async ({ before }) => {
      if (before?.fault === 'drop_before_act') return null;
      if (before?.fault === 'error_before')
        return page(before.status, 'Error', '<h1>Error</h1><p>Payments are not available.</p>');
      const visit = visitOf(context, req);
      if (!visit) return unknownPage();
      const record = recordOf(visit);
      const reply = isPayable(record) ? pay(visit, record, formOf(req)) : leave(record);
      await closeVisit(visit, reply.status);
      return reply;
    });
  };
}

function visitOf(context: Context, req: Request): Visit | undefined {
  const { id } = req.params;
  return openVisit(context, typeof id === 'string' ? id : '', { method: req.method, path: req.path });
}

function recordOf({ request, sessionId }: Visit): SessionRecord {
  const record = request.mode.checkoutSessions.get(sessionId);
  if (!record) throw new Error(`the session ${sessionId} has gone`);
  return record;
}

function isPayable({ session }: SessionRecord): boolean {
  return session.status === 'open';
}

/** To the shop once the session is complete; the id in the address is all it may rely on. */
function leave(record: SessionRecord): NonNullable<Reply> {
  const { session } = record;
  if (session.status === 'expired') return expiredPage(record);
  return redirect(session.success_url.replaceAll('{CHECKOUT_SESSION_ID}', session.id));
}

function pay(visit: Visit, record: SessionRecord, form: ParamTree): NonNullable<Reply> {
  const { request } = visit;
  try {
    const outcome = paySession(request, record, newPaymentMethod(request, cardFrom(form)));
    switch (outcome.kind) {
      case 'paid':
        return leave(recordOf(visit));
      case 'action':
        return redirect(outcome.url);
      case 'declined':
        return checkoutPage(recordOf(visit), 402, outcome.message);
      default:
        throw new Error(`unknown outcome ${JSON.stringify(outcome satisfies never)}`);
    }
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    return checkoutPage(record, error.status, error.message);
  }
}

/** Why the guest is here again: the bank's page was not passed, or the card declined after it. */
function lastProblem({ request }: Visit, { session }: SessionRecord): string | null {
  const payment = session.payment_intent
    ? request.mode.paymentIntents.get(session.payment_intent)
    : undefined;
  return payment?.intent.last_payment_error ? guestWords(payment) : null;
}

function formOf(req: Request): ParamTree {
  const body: unknown = req.body;
  return (typeof body === 'string' ? parseForm(body) : undefined) ?? {};
}

function cardFrom(form: ParamTree) {
  const expiry = /^\s*(\d{1,2})\s*[/ -]?\s*(?:20)?(\d{2})\s*$/.exec(fieldOf(form, 'expiry'));
  const number = fieldOf(form, 'card_number');
  const cvc = fieldOf(form, 'cvc').trim();
  if (number === '') throw incomplete("Your card's number is incomplete.");
  if (!expiry) throw incomplete("Your card's expiration date is incomplete.");
  if (cvc === '') throw incomplete("Your card's security code is incomplete.");
  const email = fieldOf(form, 'email').trim();
  return {
    type: 'card' as const,
    card: { number, exp_month: Number(expiry[1]), exp_year: 2_000 + Number(expiry[2]), cvc },
    billing_details: email === '' ? {} : { email },
  };
}

/** Longer than any field of the form may be. */
const FIELD_LENGTH_MAX = 254;

function fieldOf(form: ParamTree, name: string): string {
  const value = form[name];
  return typeof value === 'string' ? value.slice(0, FIELD_LENGTH_MAX) : '';
}

function incomplete(message: string): StripeError {
  return new StripeError(402, { type: 'card_error', message });
}
