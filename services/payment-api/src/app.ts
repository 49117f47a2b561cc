import express from 'express';
import type { Express, RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import {
  jsonBody,
  notFound,
  problemErrors,
  requestContext,
  requireCheckout,
  requireGateway,
  requireIdentity,
} from '@centra/service-kit/http.ts';
import { createCharge } from './charges/create-charge.ts';
import { createClientSecret } from './checkout/create-client-secret.ts';
import { getCheckoutPayment } from './checkout/get-checkout-payment.ts';
import type { Context } from './context.ts';
import { getDispute } from './disputes/get-dispute.ts';
import { listDisputes } from './disputes/list-disputes.ts';
import { listUnknownOperations } from './operations/list-unknown-operations.ts';
import { settleUnknownOperation } from './operations/settle-unknown-operation.ts';
import { optionalJsonBody } from './optional-json-body.ts';
import { adjustPayment } from './payments/adjust-payment.ts';
import { authorizePayment } from './payments/authorize-payment.ts';
import { cancelPayment } from './payments/cancel-payment.ts';
import { capturePayment } from './payments/capture-payment.ts';
import { createPayment } from './payments/create-payment.ts';
import { getPaymentStatus } from './payments/get-payment-status.ts';
import { getPayment } from './payments/get-payment.ts';
import { listPaymentEvents } from './payments/list-payment-events.ts';
import { listPayments } from './payments/list-payments.ts';
import { listProviderEvents } from './provider-events/list-provider-events.ts';
import { receiveStripeEvent } from './provider-events/receive-provider-event.ts';
import { replayProviderEvent } from './provider-events/replay-provider-event.ts';
import { createQuote } from './quotes/create-quote.ts';
import { getQuote } from './quotes/get-quote.ts';
import { createRefund } from './refunds/create-refund.ts';
import { getRefund } from './refunds/get-refund.ts';
import { listPaymentRefunds, listRefunds } from './refunds/list-refunds.ts';
import { createSession } from './sessions/create-session.ts';
import { answerChallenge, showChallenge } from './simulator/challenge-page.ts';

/** The HTTP side: one line per route. */
export function createApp(context: Context): Express {
  const app = express();
  // One spelling per path, and no parser but ours for queries (security-tests rows 8 and 10).
  app.enable('case sensitive routing').enable('strict routing').set('query parser', false);
  app.disable('x-powered-by').disable('etag');
  const mayRead = requireIdentity(context.verifier, 'payments:read');
  const mayWrite = requireIdentity(context.verifier, 'payments:write');
  const mayRefund = requireIdentity(context.verifier, 'refunds:write');
  const maySeeOperations = requireIdentity(context.verifier, 'operations:read');
  const maySettle = requireIdentity(context.verifier, 'operations:settle');
  const isGuest = requireCheckout(context.verifier);
  const isPublic = requireGateway(context.verifier);

  app.use(requestContext(context.metrics, context.log));
  app.use(noStore);
  app.get('/v1/session', mayWrite, createSession(context));
  app.all('/v1/session', onlyMethod('GET'));
  app.post('/v1/charge', mayWrite, jsonBody(), createCharge(context));
  app.all('/v1/charge', onlyMethod('POST'));
  app.get('/v1/payments', mayRead, listPayments(context));
  app.post('/v1/payments', mayWrite, jsonBody(), createPayment(context));
  app.all('/v1/payments', onlyMethod('GET, POST'));
  app.get('/v1/payments/:id', mayRead, getPayment(context));
  app.all('/v1/payments/:id', onlyMethod('GET'));
  app.get('/v1/payments/:id/status', mayRead, getPaymentStatus(context));
  app.all('/v1/payments/:id/status', onlyMethod('GET'));
  app.get('/v1/payments/:id/events', mayRead, listPaymentEvents(context));
  app.all('/v1/payments/:id/events', onlyMethod('GET'));
  app.post('/v1/payments/:id/authorize', mayWrite, jsonBody(), authorizePayment(context));
  app.all('/v1/payments/:id/authorize', onlyMethod('POST'));
  app.post('/v1/payments/:id/capture', mayWrite, jsonBody(), capturePayment(context));
  app.all('/v1/payments/:id/capture', onlyMethod('POST'));
  app.post('/v1/payments/:id/cancel', mayWrite, optionalJsonBody(), cancelPayment(context));
  app.all('/v1/payments/:id/cancel', onlyMethod('POST'));
  app.post('/v1/payments/:id/adjust', mayWrite, jsonBody(), adjustPayment(context));
  app.all('/v1/payments/:id/adjust', onlyMethod('POST'));
  app.post('/v1/payments/:id/refund', mayRefund, jsonBody(), createRefund(context));
  app.all('/v1/payments/:id/refund', onlyMethod('POST'));
  app.get('/v1/payments/:id/refunds', mayRead, listPaymentRefunds(context));
  app.all('/v1/payments/:id/refunds', onlyMethod('GET'));
  app.post('/v1/payments/:id/client-secret', mayWrite, createClientSecret(context));
  app.all('/v1/payments/:id/client-secret', onlyMethod('POST'));
  app.get('/v1/checkout/payments/:id', isGuest, getCheckoutPayment(context));
  app.all('/v1/checkout/payments/:id', onlyMethod('GET'));
  app.get('/v1/refunds', mayRead, listRefunds(context));
  app.all('/v1/refunds', onlyMethod('GET'));
  app.get('/v1/refunds/:id', mayRead, getRefund(context));
  app.all('/v1/refunds/:id', onlyMethod('GET'));
  app.post('/v1/quotes', mayWrite, jsonBody(), createQuote(context));
  app.all('/v1/quotes', onlyMethod('POST'));
  app.get('/v1/quotes/:id', mayRead, getQuote(context));
  app.all('/v1/quotes/:id', onlyMethod('GET'));
  app.get('/v1/disputes', mayRead, listDisputes(context));
  app.all('/v1/disputes', onlyMethod('GET'));
  app.get('/v1/disputes/:id', mayRead, getDispute(context));
  app.all('/v1/disputes/:id', onlyMethod('GET'));
  app.get('/v1/unknown-operations', maySeeOperations, listUnknownOperations(context));
  app.all('/v1/unknown-operations', onlyMethod('GET'));
  app.post('/v1/unknown-operations/:id/settle', maySettle, jsonBody(), settleUnknownOperation(context));
  app.all('/v1/unknown-operations/:id/settle', onlyMethod('POST'));
  app.get('/v1/provider-events', maySeeOperations, listProviderEvents(context));
  app.all('/v1/provider-events', onlyMethod('GET'));
  app.post('/v1/provider-events/:id/replay', maySettle, optionalJsonBody(), replayProviderEvent(context));
  app.all('/v1/provider-events/:id/replay', onlyMethod('POST'));
  app.post('/v1/webhooks/stripe/:account', isPublic, receiveStripeEvent(context));
  app.all('/v1/webhooks/stripe/:account', onlyMethod('POST'));
  app.post('/v1/stripe/events', isPublic, receiveStripeEvent(context));
  app.all('/v1/stripe/events', onlyMethod('POST'));
  app.get('/v1/simulator/challenges/:token', isPublic, showChallenge(context));
  app.post('/v1/simulator/challenges/:token', isPublic, answerChallenge(context));
  app.all('/v1/simulator/challenges/:token', onlyMethod('GET, POST'));
  app.use(notFound());
  app.use(undecodablePath);
  app.use(problemErrors(context.log));
  return app;
}

/** No answer of ours may lie in a shared cache: they hold session tokens, guests and payments. */
const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('cache-control', 'no-store');
  next();
};

function onlyMethod(methods: string): RequestHandler {
  return (_request, response) => {
    response.setHeader('allow', methods);
    throw new AppError('method_not_allowed');
  };
}

/** The router reports a broken percent escape as a URIError; such a path names nothing. */
const undecodablePath: express.ErrorRequestHandler = (error: unknown, _request, _response, next) => {
  next(error instanceof URIError ? new AppError('not_found', { cause: error }) : error);
};
