import type { Request, RequestHandler } from 'express';

import { formatAmount } from '../amounts/format-amount.ts';
import type { Context } from '../context.ts';
import { exchange, type Reply } from '../http/exchange.ts';
import { escapeHtml, page, redirect } from '../http/page.ts';
import type { PaymentIntentRecord } from '../payment-intents/payment-intent.ts';
import { completeAuthentication, findChallenge, isOpen } from './complete-authentication.ts';

/** `GET /3d_secure/:token`: what stands in for the bank's own page. */
export function showChallenge(context: Context): RequestHandler {
  return async (req, res) => {
    await exchange(context, req, res, () => {
      const token = tokenOf(req);
      const record = findChallenge(context, token);
      if (!record) return Promise.resolve(unknownChallenge());
      return Promise.resolve(isOpen(record, token) ? form(record, token) : leave(record));
    });
  };
}

/** `POST /3d_secure/:token/approve` and `/fail`: the cardholder's answer; then back to the shop. */
export function answerChallenge(context: Context, approved: boolean): RequestHandler {
  return async (req, res) => {
    await exchange(context, req, res, async ({ before }) => {
      if (before?.fault === 'drop_before_act') return null;
      if (before?.fault === 'error_before')
        return page(before.status, 'Error', '<h1>Error</h1><p>The bank is not available.</p>');
      const record = await completeAuthentication(context, tokenOf(req), approved, {
        method: req.method,
        path: '/3d_secure',
      });
      return record ? leave(record) : unknownChallenge();
    });
  };
}

/** `GET /3d_secure/:token/cancel`: the cardholder goes away without an answer, and the payment goes on waiting for one. */
export function abandonChallenge(context: Context): RequestHandler {
  return async (req, res) => {
    await exchange(context, req, res, () => {
      const token = tokenOf(req);
      const record = findChallenge(context, token);
      if (!record) return Promise.resolve(unknownChallenge());
      if (!isOpen(record, token)) return Promise.resolve(leave(record));
      const body =
        '<h1>You have not answered</h1><p id="abandoned">The payment is neither approved nor refused. It waits for your answer.</p>' +
        `<p><a href="/3d_secure/${escapeHtml(token)}">Back to the question</a></p>`;
      return Promise.resolve(page(200, '3-D Secure', body));
    });
  };
}

function tokenOf(req: Request): string {
  const { token } = req.params;
  return typeof token === 'string' ? token : '';
}

function unknownChallenge(): NonNullable<Reply> {
  return page(404, 'Not found', '<h1>Not found</h1><p>This authentication does not exist.</p>');
}

/** To the shop's return_url with Stripe's three parameters; they prove nothing, the shop has to ask. */
function leave(record: PaymentIntentRecord): Reply {
  const { challenge, intent } = record;
  const isPaid = intent.status === 'succeeded' || intent.status === 'requires_capture';
  if (!challenge?.returnUrl) return page(200, 'Done', '<h1>Done</h1><p>You can close this window.</p>');
  const target = new URL(challenge.returnUrl);
  target.searchParams.set('payment_intent', intent.id);
  target.searchParams.set('payment_intent_client_secret', intent.client_secret);
  target.searchParams.set('redirect_status', isPaid ? 'succeeded' : 'failed');
  return redirect(target.href);
}

function form({ intent }: PaymentIntentRecord, token: string): NonNullable<Reply> {
  const amount = formatAmount(intent.amount, intent.currency, 'en');
  const path = `/3d_secure/${escapeHtml(token)}`;
  const button = (action: string, label: string, style: string) =>
    `<form method="post" action="${path}/${action}"><button type="submit" id="${action}"${style}>${label}</button></form>`;
  return page(
    200,
    '3-D Secure',
    `<h1>3-D Secure</h1><p class="amount">${escapeHtml(amount)}</p><p>Your bank asks whether you are making this payment.</p>` +
      `${button('approve', 'Approve', '')}${button('fail', 'Fail', ' class="plain"')}` +
      `<p class="back"><a id="cancel" href="${path}/cancel">Cancel</a></p><p class="soft">Payment <code>${escapeHtml(intent.id)}</code></p>`,
  );
}
