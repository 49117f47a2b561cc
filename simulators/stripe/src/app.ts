import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';

import { getAccount } from './accounts/get-account.ts';
import { getBalance } from './accounts/get-balance.ts';
import { getCharge } from './charges/get-charge.ts';
import { showCheckout, submitCheckout } from './checkout-sessions/checkout-page.ts';
import { createCheckoutSession } from './checkout-sessions/create-checkout-session.ts';
import { expireCheckoutSession } from './checkout-sessions/expire-checkout-session.ts';
import { getCheckoutSession } from './checkout-sessions/get-checkout-session.ts';
import { listCheckoutSessions } from './checkout-sessions/list-checkout-sessions.ts';
import { listLineItems } from './checkout-sessions/list-line-items.ts';
import type { Context } from './context.ts';
import { putAccount, revokeKey } from './control/accounts.ts';
import { payCheckoutSession } from './control/checkout-sessions.ts';
import { advanceClock } from './control/clock.ts';
import { changeDispute, createDispute } from './control/disputes.ts';
import { armFault, clearFaults, listFaults } from './control/faults.ts';
import { readJournal } from './control/journal.ts';
import { decideRefundByControl } from './control/refunds.ts';
import { closeDispute } from './disputes/close-dispute.ts';
import { getDispute } from './disputes/get-dispute.ts';
import { listDisputes } from './disputes/list-disputes.ts';
import { updateDispute } from './disputes/update-dispute.ts';
import { getEarlyFraudWarning } from './early-fraud-warnings/get-early-fraud-warning.ts';
import { listEarlyFraudWarnings } from './early-fraud-warnings/list-early-fraud-warnings.ts';
import { getEvent } from './events/get-event.ts';
import { listEvents } from './events/list-events.ts';
import type { Action } from './http/api-request.ts';
import { endpoint } from './http/endpoint.ts';
import { lockPaymentIntent, lockRefundedPayment, type LockOf } from './http/object-locks.ts';
import { refusal, requestLine } from './http/outcome.ts';
import { invalidParameter, StripeError, unrecognizedUrl } from './http/stripe-error.ts';
import { newId } from './ids.ts';
import { cancelPaymentIntent } from './payment-intents/cancel-payment-intent.ts';
import { capturePaymentIntent } from './payment-intents/capture-payment-intent.ts';
import { confirmPaymentIntent } from './payment-intents/confirm-payment-intent.ts';
import { createPaymentIntent } from './payment-intents/create-payment-intent.ts';
import { getPaymentIntent } from './payment-intents/get-payment-intent.ts';
import { incrementAuthorization } from './payment-intents/increment-authorization.ts';
import { listPaymentIntents } from './payment-intents/list-payment-intents.ts';
import { searchPaymentIntents } from './payment-intents/search-payment-intents.ts';
import { updatePaymentIntent } from './payment-intents/update-payment-intent.ts';
import { createPaymentMethod } from './payment-methods/create-payment-method.ts';
import { getPaymentMethod } from './payment-methods/get-payment-method.ts';
import { cancelRefund } from './refunds/cancel-refund.ts';
import { createRefund } from './refunds/create-refund.ts';
import { getRefund } from './refunds/get-refund.ts';
import { listRefunds } from './refunds/list-refunds.ts';
import { updateRefund } from './refunds/update-refund.ts';
import { abandonChallenge, answerChallenge, showChallenge } from './three-d-secure/challenge-page.ts';
import { createWebhookEndpoint } from './webhooks/create-webhook-endpoint.ts';
import { deleteWebhookEndpoint } from './webhooks/delete-webhook-endpoint.ts';
import { getWebhookEndpoint } from './webhooks/get-webhook-endpoint.ts';
import { listWebhookEndpoints } from './webhooks/list-webhook-endpoints.ts';

/** Far above any request of ours; Stripe's own limit is not published. */
const BODY_MAX_BYTES = 1_048_576;
/** The payment form has four short fields. */
const FORM_MAX_BYTES = 8_192;

export function createApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  mountControl(app, context);
  mountApi(app, context);
  mountPages(app, context);
  app.use(unknownRoute(context));
  app.use(lastResort());
  return app;
}

function mountControl(app: Express, context: Context): void {
  app.use('/_control', express.json({ limit: BODY_MAX_BYTES }));
  app.post('/_control/accounts', putAccount(context));
  app.post('/_control/accounts/:id/revoke_key', revokeKey(context));
  app.post('/_control/faults', armFault(context));
  app.get('/_control/faults', listFaults(context));
  app.delete('/_control/faults', clearFaults(context));
  app.get('/_control/journal', readJournal(context));
  app.post('/_control/refunds/:id', decideRefundByControl(context));
  app.post('/_control/clock', advanceClock(context));
  app.post('/_control/checkout/sessions/:id/pay', payCheckoutSession(context));
  app.post('/_control/disputes', createDispute(context));
  app.post('/_control/disputes/:id', changeDispute(context));
}

function mountApi(app: Express, context: Context): void {
  app.use('/v1', express.text({ type: () => true, limit: BODY_MAX_BYTES }));
  const on = (permission: string, action: Action, lockOf?: LockOf) =>
    endpoint(context, permission, action, lockOf);
  const write = 'rak_payment_intent_write';
  app.get('/v1/account', on('rak_accounts_read', getAccount));
  app.get('/v1/balance', on('rak_balance_read', getBalance));
  app.post('/v1/payment_methods', on('rak_payment_method_write', createPaymentMethod));
  app.get('/v1/payment_methods/:id', on('rak_payment_method_read', getPaymentMethod));
  app.post('/v1/payment_intents', on('rak_payment_intent_write', createPaymentIntent));
  app.get('/v1/payment_intents', on('rak_payment_intent_read', listPaymentIntents));
  app.get('/v1/payment_intents/search', on('rak_payment_intent_read', searchPaymentIntents));
  app.get('/v1/payment_intents/:id', on('rak_payment_intent_read', getPaymentIntent));
  app.post('/v1/payment_intents/:id', on(write, updatePaymentIntent, lockPaymentIntent));
  app.post('/v1/payment_intents/:id/confirm', on(write, confirmPaymentIntent, lockPaymentIntent));
  app.post('/v1/payment_intents/:id/capture', on(write, capturePaymentIntent, lockPaymentIntent));
  app.post('/v1/payment_intents/:id/cancel', on(write, cancelPaymentIntent, lockPaymentIntent));
  app.post(
    '/v1/payment_intents/:id/increment_authorization',
    on(write, incrementAuthorization, lockPaymentIntent),
  );
  app.get('/v1/charges/:id', on('rak_charge_read', getCharge));
  app.post('/v1/refunds', on('rak_charge_write', createRefund, lockRefundedPayment));
  app.get('/v1/refunds', on('rak_charge_read', listRefunds));
  app.get('/v1/refunds/:id', on('rak_charge_read', getRefund));
  app.post('/v1/refunds/:id', on('rak_charge_write', updateRefund));
  app.post('/v1/refunds/:id/cancel', on('rak_charge_write', cancelRefund));
  app.post('/v1/checkout/sessions', on('rak_checkout_session_write', createCheckoutSession));
  app.get('/v1/checkout/sessions', on('rak_checkout_session_read', listCheckoutSessions));
  app.get('/v1/checkout/sessions/:id', on('rak_checkout_session_read', getCheckoutSession));
  app.get('/v1/checkout/sessions/:id/line_items', on('rak_checkout_session_read', listLineItems));
  app.post('/v1/checkout/sessions/:id/expire', on('rak_checkout_session_write', expireCheckoutSession));
  app.get('/v1/disputes', on('rak_dispute_read', listDisputes));
  app.get('/v1/disputes/:id', on('rak_dispute_read', getDispute));
  app.post('/v1/disputes/:id', on('rak_dispute_write', updateDispute));
  app.post('/v1/disputes/:id/close', on('rak_dispute_write', closeDispute));
  app.get('/v1/radar/early_fraud_warnings', on('rak_radar_read', listEarlyFraudWarnings));
  app.get('/v1/radar/early_fraud_warnings/:id', on('rak_radar_read', getEarlyFraudWarning));
  app.get('/v1/events', on('rak_event_read', listEvents));
  app.get('/v1/events/:id', on('rak_event_read', getEvent));
  app.post('/v1/webhook_endpoints', on('rak_webhook_write', createWebhookEndpoint));
  app.get('/v1/webhook_endpoints', on('rak_webhook_read', listWebhookEndpoints));
  app.get('/v1/webhook_endpoints/:id', on('rak_webhook_read', getWebhookEndpoint));
  app.delete('/v1/webhook_endpoints/:id', on('rak_webhook_write', deleteWebhookEndpoint));
}

/** What people see in a browser. */
function mountPages(app: Express, context: Context): void {
  app.use('/c/pay', express.text({ type: 'application/x-www-form-urlencoded', limit: FORM_MAX_BYTES }));
  app.get('/c/pay/:id', showCheckout(context));
  app.post('/c/pay/:id', submitCheckout(context));
  app.get('/c/pay/:id/return', showCheckout(context));
  app.get('/3d_secure/:token', showChallenge(context));
  app.post('/3d_secure/:token/approve', answerChallenge(context, true));
  app.post('/3d_secure/:token/fail', answerChallenge(context, false));
  app.get('/3d_secure/:token/cancel', abandonChallenge(context));
}

function unknownRoute(context: Context): RequestHandler {
  return async (req, res) => {
    const requestId = newId('req', 14);
    const { status, text } = refusal(unrecognizedUrl(req.method, req.path), requestId, false);
    const line = requestLine({ method: req.method, path: req.path, requestId, idempotencyKey: null }, status);
    await context.journal.append([{ ...line, account: null, livemode: null }], context.clock.now());
    res.status(status).type('application/json').set('Request-Id', requestId).send(text);
  };
}

/** What Express itself refuses (a body over the limit, a path that cannot be decoded), and bugs. */
function lastResort(): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error);
    const status = statusOf(error);
    if (req.path.startsWith('/_control')) {
      res
        .status(status ?? 500)
        .json({ error: status ? 'the request body cannot be read' : 'internal error' });
      return;
    }
    const requestId = newId('req', 14);
    const refused =
      status === undefined
        ? error
        : new StripeError(status, invalidParameter('Invalid request: the body cannot be read.').fields);
    const outcome = refusal(refused, requestId, false);
    res.status(outcome.status).type('application/json').set('Request-Id', requestId).send(outcome.text);
  };
}

function statusOf(error: unknown): number | undefined {
  const status: unknown =
    typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
