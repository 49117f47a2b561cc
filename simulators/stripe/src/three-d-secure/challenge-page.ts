import type { Request, RequestHandler } from 'express';

import type { Context } from '../context.ts';
import { exchange, type Reply } from '../http/exchange.ts';
import type { PaymentIntentRecord } from '../payment-intents/payment-intent.ts';
import { completeAuthentication, findChallenge, isOpen } from './complete-authentication.ts';

/** `GET /3d_secure/:token`: what stands in for the bank's own page. */
export function showChallenge(context: Context): RequestHandler {
  return async (req, res) => {
    await exchange(context, req, res, () => {
      const token = tokenOf(req);
      const record = findChallenge(context, token);
      if (!record)
        return Promise.resolve(html(404, 'Not found', '<p>This authentication does not exist.</p>'));
      return Promise.resolve(
        isOpen(record, token) ? html(200, '3-D Secure', form(record, token)) : leave(record),
      );
    });
  };
}

/** `POST /3d_secure/:token/approve` and `/fail`: the cardholder's answer; then back to the shop. */
export function answerChallenge(context: Context, approved: boolean): RequestHandler {
  return async (req, res) => {
    await exchange(context, req, res, async ({ before }) => {
      if (before?.fault === 'drop_before_act') return null;
      if (before?.fault === 'error_before')
        return html(before.status, 'Error', '<p>The bank is not available.</p>');
      const record = await completeAuthentication(context, tokenOf(req), approved, {
        method: req.method,
        path: '/3d_secure',
      });
      return record ? leave(record) : html(404, 'Not found', '<p>This authentication does not exist.</p>');
    });
  };
}

function tokenOf(req: Request): string {
  const { token } = req.params;
  return typeof token === 'string' ? token : '';
}

/** To the shop's return_url with Stripe's three parameters; they prove nothing, the shop has to ask. */
function leave(record: PaymentIntentRecord): Reply {
  const { challenge, intent } = record;
  const isPaid = intent.status === 'succeeded' || intent.status === 'requires_capture';
  if (!challenge?.returnUrl) return html(200, 'Done', '<p>You can close this window.</p>');
  const target = new URL(challenge.returnUrl);
  target.searchParams.set('payment_intent', intent.id);
  target.searchParams.set('payment_intent_client_secret', intent.client_secret);
  target.searchParams.set('redirect_status', isPaid ? 'succeeded' : 'failed');
  return { status: 303, headers: { Location: target.href, 'Cache-Control': 'no-store' }, text: '' };
}

function form({ intent }: PaymentIntentRecord, token: string): string {
  const amount = `${intent.amount} ${intent.currency.toUpperCase()}`;
  const button = (action: string, label: string) =>
    `<form method="post" action="/3d_secure/${escapeHtml(token)}/${action}"><button type="submit" id="${action}">${label}</button></form>`;
  return (
    `<h1>3-D Secure</h1><p>Test payment <code>${escapeHtml(intent.id)}</code> of ${escapeHtml(amount)} (minor units).</p>` +
    `${button('approve', 'Approve')}${button('fail', 'Fail')}`
  );
}

function html(status: number, title: string, body: string): Reply {
  const text =
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${title}</title></head><body><main>${body}</main></body></html>`;
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; base-uri 'none'",
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
  };
  return { status, headers, text };
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
