import express, { Router } from 'express';
import type { Express } from 'express';
import type { Account } from './account.ts';
import { getCharge } from './charges.ts';
import { answerGate } from './cmi-gate.ts';
import type { Context } from './context.ts';
import { controlRouter } from './control.ts';
import { meetFaults } from './faults.ts';

/** The hosts as paths: `/sandbox` and `/live` of Payzone, `/cmi-test` and `/cmi-live` of CMI. */
export function createApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use('/_control', controlRouter(context));
  app.use(
    meetFaults(context.faults, (request, { fault }) =>
      context.journal.append('request', { method: request.method, path: request.path, fault }),
    ),
  );
  app.use((request, response, next) => {
    const { method, path } = request;
    response.on('finish', () =>
      context.journal.append('request', { method, path, status: response.statusCode }),
    );
    next();
  });
  app.use('/sandbox', payzone(context, 'sandbox'));
  app.use('/live', payzone(context, 'live'));
  app.use('/cmi-test', cmi(context, 'sandbox'));
  app.use('/cmi-live', cmi(context, 'live'));
  app.use((_request, response) => void response.status(404).type('text/html').send('<h1>Not Found</h1>'));
  return app;
}

function payzone(context: Context, mode: Account['mode']): Router {
  const router = Router();
  router.get('/api/v3/healthcheck', (_request, response) => void response.json({ status: 'OK' }));
  router.get('/api/v3/charges/:id', (request, response) => getCharge(context, mode, request, response));
  return router;
}

function cmi(context: Context, mode: Account['mode']): Router {
  const router = Router();
  const form = express.urlencoded({ extended: false, limit: '16kb' });
  router.post('/fim/api', form, (request, response) => answerGate(context, mode, request, response));
  return router;
}
