import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';

import { getAccount } from './accounts/get-account.ts';
import { getBalance } from './accounts/get-balance.ts';
import { getCharge } from './charges/get-charge.ts';
import type { Context } from './context.ts';
import { putAccount, revokeKey } from './control/accounts.ts';
import { advanceClock } from './control/clock.ts';
import { armFault, clearFaults, listFaults } from './control/faults.ts';
import { readJournal } from './control/journal.ts';
import { getEvent } from './events/get-event.ts';
import { listEvents } from './events/list-events.ts';
import type { Action } from './http/api-request.ts';
import { endpoint } from './http/endpoint.ts';
import { refusal, requestLine } from './http/outcome.ts';
import { invalidParameter, StripeError, unrecognizedUrl } from './http/stripe-error.ts';
import { newId } from './ids.ts';
import { cancelPaymentIntent } from './payment-intents/cancel-payment-intent.ts';
import { confirmPaymentIntent } from './payment-intents/confirm-payment-intent.ts';
import { createPaymentIntent } from './payment-intents/create-payment-intent.ts';
import { getPaymentIntent } from './payment-intents/get-payment-intent.ts';
import { listPaymentIntents } from './payment-intents/list-payment-intents.ts';
import { searchPaymentIntents } from './payment-intents/search-payment-intents.ts';
import { updatePaymentIntent } from './payment-intents/update-payment-intent.ts';
import { createPaymentMethod } from './payment-methods/create-payment-method.ts';
import { getPaymentMethod } from './payment-methods/get-payment-method.ts';
import { answerChallenge, showChallenge } from './three-d-secure/challenge-page.ts';
import { createWebhookEndpoint } from './webhooks/create-webhook-endpoint.ts';
import { deleteWebhookEndpoint } from './webhooks/delete-webhook-endpoint.ts';
import { getWebhookEndpoint } from './webhooks/get-webhook-endpoint.ts';
import { listWebhookEndpoints } from './webhooks/list-webhook-endpoints.ts';

/** Far above any request of ours; Stripe's own limit is not published. */
const BODY_MAX_BYTES = 1_048_576;

export function createApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  mountControl(app, context);
  mountApi(app, context);
  app.get('/3d_secure/:token', showChallenge(context));
  app.post('/3d_secure/:token/approve', answerChallenge(context, true));
  app.post('/3d_secure/:token/fail', answerChallenge(context, false));
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
  app.post('/_control/clock', advanceClock(context));
}

function mountApi(app: Express, context: Context): void {
  app.use('/v1', express.text({ type: () => true, limit: BODY_MAX_BYTES }));
  const on = (permission: string, action: Action) => endpoint(context, permission, action);
  app.get('/v1/account', on('rak_accounts_read', getAccount));
  app.get('/v1/balance', on('rak_balance_read', getBalance));
  app.post('/v1/payment_methods', on('rak_payment_method_write', createPaymentMethod));
  app.get('/v1/payment_methods/:id', on('rak_payment_method_read', getPaymentMethod));
  app.post('/v1/payment_intents', on('rak_payment_intent_write', createPaymentIntent));
  app.get('/v1/payment_intents', on('rak_payment_intent_read', listPaymentIntents));
  app.get('/v1/payment_intents/search', on('rak_payment_intent_read', searchPaymentIntents));
  app.get('/v1/payment_intents/:id', on('rak_payment_intent_read', getPaymentIntent));
  app.post('/v1/payment_intents/:id', on('rak_payment_intent_write', updatePaymentIntent));
  app.post('/v1/payment_intents/:id/confirm', on('rak_payment_intent_write', confirmPaymentIntent));
  app.post('/v1/payment_intents/:id/cancel', on('rak_payment_intent_write', cancelPaymentIntent));
  app.get('/v1/charges/:id', on('rak_charge_read', getCharge));
  app.get('/v1/events', on('rak_event_read', listEvents));
  app.get('/v1/events/:id', on('rak_event_read', getEvent));
  app.post('/v1/webhook_endpoints', on('rak_webhook_write', createWebhookEndpoint));
  app.get('/v1/webhook_endpoints', on('rak_webhook_read', listWebhookEndpoints));
  app.get('/v1/webhook_endpoints/:id', on('rak_webhook_read', getWebhookEndpoint));
  app.delete('/v1/webhook_endpoints/:id', on('rak_webhook_write', deleteWebhookEndpoint));
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
