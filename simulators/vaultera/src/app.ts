import express from 'express';
import type { ErrorRequestHandler, Express } from 'express';
import { createApiKey } from './api-keys/create-api-key.ts';
import { getApiKey } from './api-keys/get-api-key.ts';
import { listApiKeys } from './api-keys/list-api-keys.ts';
import { revokeApiKey } from './api-keys/revoke-api-key.ts';
import { ASSUMED_PATHS, errorEnvelope } from './assumptions.ts';
import type { Route } from './call.ts';
import { answer } from './call.ts';
import { captureForm } from './capture-form/capture-form.ts';
import { submitCaptureForm } from './capture-form/submit-capture-form.ts';
import { authorizeCard } from './cards/authorize-card.ts';
import { createCard } from './cards/create-card.ts';
import { deleteCard } from './cards/delete-card.ts';
import { getCard } from './cards/get-card.ts';
import { sendCard } from './cards/send-card.ts';
import type { Context } from './context.ts';
import { controlRouter } from './control/control.ts';
import { badRequest, notFound } from './replies.ts';
import { createSessionToken } from './sessions/create-session-token.ts';
import { revealServiceCode } from './show-card/reveal-service-code.ts';
import { showCard } from './show-card/show-card.ts';

const KEYED: Route = { traits: ['api_key'], errorsAs: 'json' };
const CARD: Route = { traits: ['api_key', 'card'], errorsAs: 'json' };
const SEND: Route = { traits: ['api_key', 'card', 'send'], errorsAs: 'json' };
const FORM: Route = { traits: ['session'], errorsAs: 'page' };
const FORM_SUBMIT: Route = { traits: ['session'], errorsAs: 'capture' };
const CARD_PAGE: Route = { traits: ['session', 'card'], errorsAs: 'page' };
const REVEAL: Route = { traits: ['session', 'card'], errorsAs: 'json' };
const ANY: Route = { traits: [], errorsAs: 'json' };

export function createApp(ctx: Context): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use('/_control', controlRouter(ctx));
  app.use('/api/v1', api(ctx));
  app.use(
    answer(ctx, ANY, () => {
      throw notFound();
    }),
  );
  app.use(unreadablePath);
  return app;
}

function api(ctx: Context): express.Router {
  const router = express.Router();
  router.get(ASSUMED_PATHS.apiKeys, answer(ctx, KEYED, listApiKeys));
  router.post(ASSUMED_PATHS.apiKeys, answer(ctx, KEYED, createApiKey));
  router.get(ASSUMED_PATHS.apiKey, answer(ctx, KEYED, getApiKey));
  router.delete(ASSUMED_PATHS.apiKey, answer(ctx, KEYED, revokeApiKey));
  router.post('/session_tokens', answer(ctx, KEYED, createSessionToken));
  router.get('/capture_form', answer(ctx, FORM, captureForm()));
  router.post('/capture_form/submit', answer(ctx, FORM_SUBMIT, submitCaptureForm));
  router.post('/cards', answer(ctx, KEYED, createCard));
  router.get(ASSUMED_PATHS.card, answer(ctx, CARD, getCard));
  router.delete(ASSUMED_PATHS.card, answer(ctx, CARD, deleteCard));
  router.post(ASSUMED_PATHS.authorizeCard, answer(ctx, CARD, authorizeCard));
  router.post('/cards/:card_token/send', answer(ctx, SEND, sendCard));
  router.get('/show_card', answer(ctx, CARD_PAGE, showCard()));
  router.post('/show_card/reveal', answer(ctx, REVEAL, revealServiceCode));
  return router;
}

/** Express itself refuses a path it cannot decode, before any route sees it; anything later is a bug, and says nothing. */
const unreadablePath: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) {
    next(error);
  } else if (error instanceof URIError) {
    res.status(400).json(errorEnvelope(badRequest('the path cannot be decoded')));
  } else {
    console.error(`answering failed: ${error instanceof Error ? error.name : 'unknown error'}`);
    res.status(500).json({ errors: { code: 'internal_server_error', title: 'Internal Server Error' } });
  }
};
