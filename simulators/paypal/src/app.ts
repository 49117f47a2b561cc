import { randomBytes, timingSafeEqual } from 'node:crypto';
import express, { Router } from 'express';
import type { Express, Request, Response } from 'express';
import { z } from 'zod';
import { accountJson, appId, findAccount } from './account.ts';
import type { Account } from './account.ts';
import type { Context } from './context.ts';
import { controlRouter } from './control.ts';
import { meetFaults } from './faults.ts';

type Mode = Account['mode'];
type Token = { clientId: string; mode: Mode; expiresAtMs: number };

// About nine hours, as PayPal's own.
const TOKEN_SECONDS = 32_400;

/** PayPal's two hosts as two paths: `/sandbox` and `/live`. */
export function createApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use('/_control', controlRouter(context));
  app.use(
    meetFaults(context.faults, (request, { fault }) =>
      context.journal.append('request', { method: request.method, path: request.path, fault }),
    ),
  );
  const tokens = new Map<string, Token>();
  for (const mode of ['sandbox', 'live'] as const) app.use(`/${mode}`, api(context, mode, tokens));
  app.use((_request, response) => notFound(response));
  return app;
}

function api(context: Context, mode: Mode, tokens: Map<string, Token>): Router {
  const router = Router();
  router.use((request, response, next) => {
    response.set('paypal-debug-id', randomBytes(7).toString('hex'));
    response.on('finish', () =>
      context.journal.append('request', {
        mode,
        method: request.method,
        path: request.path,
        status: response.statusCode,
      }),
    );
    next();
  });
  router.post(
    '/v1/oauth2/token',
    express.urlencoded({ extended: false, limit: '8kb' }),
    (request, response) => issueToken(context, mode, tokens, request, response),
  );
  router.get('/v2/payments/authorizations/:id', (request, response) => {
    const refused = refusalOf(context, mode, tokens, request);
    // No payment is made here yet, so none is found.
    if (refused === undefined) return notFound(response);
    return void response.status(refused.status).json(refused.body);
  });
  return router;
}

const grantSchema = z.object({ grant_type: z.literal('client_credentials') });

function issueToken(
  context: Context,
  mode: Mode,
  tokens: Map<string, Token>,
  request: Request,
  response: Response,
): void {
  const account = basicAccount(context, mode, request.get('authorization'));
  if (account === undefined || account.state === 'revoked')
    return void response
      .status(401)
      .json({ error: 'invalid_client', error_description: 'Client Authentication failed' });
  if (!grantSchema.safeParse(request.body).success)
    return void response
      .status(400)
      .json({ error: 'unsupported_grant_type', error_description: 'Grant type is not supported' });
  const token = `A21AA${randomBytes(40).toString('base64url')}`;
  tokens.set(token, {
    clientId: account.client_id,
    mode,
    expiresAtMs: Date.now() + TOKEN_SECONDS * 1000,
  });
  context.journal.append('effect', { effect: 'token.issued', account: accountJson(account) });
  response.json({
    scope: (account.state === 'insufficient' ? ['openid'] : account.scopes).join(' '),
    access_token: token,
    token_type: 'Bearer',
    app_id: appId(account),
    expires_in: TOKEN_SECONDS,
    nonce: `${new Date().toISOString()}${randomBytes(16).toString('base64url')}`,
  });
}

function basicAccount(context: Context, mode: Mode, header: string | undefined): Account | undefined {
  const basic = /^Basic ([0-9A-Za-z+/=]{1,1000})$/i.exec(header ?? '')?.[1];
  if (basic === undefined) return undefined;
  const [clientId = '', secret = ''] = Buffer.from(basic, 'base64').toString('utf8').split(':');
  const account = findAccount(context.accounts, { client_id: clientId });
  if (account === undefined || account.mode !== mode) return undefined;
  const [given, known] = [Buffer.from(secret), Buffer.from(account.client_secret)];
  return given.length === known.length && timingSafeEqual(given, known) ? account : undefined;
}

type Refusal = { status: number; body: Record<string, unknown> };

/** Why a call with this token is refused; undefined when it is not. */
function refusalOf(
  context: Context,
  mode: Mode,
  tokens: Map<string, Token>,
  request: Request,
): Refusal | undefined {
  const token = tokens.get(/^Bearer (\S{1,500})$/.exec(request.get('authorization') ?? '')?.[1] ?? '');
  const isGood = token !== undefined && token.mode === mode && token.expiresAtMs > Date.now();
  const account = isGood ? findAccount(context.accounts, { client_id: token.clientId }) : undefined;
  if (account === undefined || account.state === 'revoked')
    return {
      status: 401,
      body: { error: 'invalid_token', error_description: 'Token signature verification failed' },
    };
  if (account.state === 'valid') return undefined;
  return {
    status: 403,
    body: restError('NOT_AUTHORIZED', 'Authorization failed due to insufficient permissions.', {
      issue: 'PERMISSION_DENIED',
    }),
  };
}

function notFound(response: Response): void {
  response.status(404).json(
    restError('RESOURCE_NOT_FOUND', 'The specified resource does not exist.', {
      issue: 'INVALID_RESOURCE_ID',
    }),
  );
}

function restError(name: string, message: string, detail: { issue: string }): Record<string, unknown> {
  const debugId = randomBytes(7).toString('hex');
  return { name, message, debug_id: debugId, details: [{ ...detail, description: message }], links: [] };
}
