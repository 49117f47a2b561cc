import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import express from 'express';
import type { NextFunction, Request, Response } from 'express';
import { listen } from '@centra/service-kit/listen.ts';
import { z } from 'zod';
import type { Platform } from '../platform.ts';
import type { Hotel } from '../seed.ts';

type Options = {
  platform: Pick<Platform, 'gatewayUrl' | 'vaulteraUrl'>;
  hotel: Pick<Hotel, 'apiKey'>;
  port: number;
};

// What the demo sells. The price is the server's: a page never tells what it is to be charged.
const STAY = { room: 'Double room, two nights', amount: 24_900, currency: 'EUR' };
const TIMEOUT_MS = 75_000;
// A demo's memory: enough for an afternoon, bounded all the same.
const ATTEMPTS_MAX = 1_000;

const paySchema = z.strictObject({ attempt_id: z.uuid(), card_token: z.string().min(8).max(128) });

/** A small hotel website whose server half plays the booking engine: it alone knows the API key and the price. */
export async function startDemoHotel(options: Options): Promise<{ url: string; close(): Promise<void> }> {
  const app = express();
  app.disable('x-powered-by');
  // attempt → booking reference. The attempt's id is the Idempotency-Key: a double click charges once.
  const attempts = new Map<string, string>();
  app.use(securityHeaders(options.platform.vaulteraUrl));
  app.get('/', page('page.html', 'text/html'));
  app.get('/page.js', page('page.js', 'text/javascript'));
  app.get('/page.css', page('page.css', 'text/css'));
  app.get('/return', page('page.html', 'text/html'));
  app.get('/api/stay', (_request, response) => void response.json(STAY));
  app.get('/api/session', async (_request, response) => {
    const attemptId = randomUUID();
    if (attempts.size >= ATTEMPTS_MAX) attempts.delete(attempts.keys().next().value ?? '');
    attempts.set(attemptId, `WEB-${attemptId.slice(0, 8).toUpperCase()}`);
    const { status, body } = await callGateway(options, 'GET', '/v1/session');
    response.status(status).json({ ...body, attempt_id: attemptId });
  });
  app.post('/api/pay', express.json({ limit: '4kb' }), async (request, response) => {
    const parsed = paySchema.safeParse(request.body);
    const bookingReference = parsed.success ? attempts.get(parsed.data.attempt_id) : undefined;
    if (!parsed.success || bookingReference === undefined) {
      response.status(400).json({ detail: 'Please start again.' });
      return;
    }
    const { status, body } = await callGateway(options, 'POST', '/v1/charge', parsed.data.attempt_id, {
      card_token: parsed.data.card_token,
      amount: STAY.amount,
      currency: STAY.currency,
      booking_reference: bookingReference,
      description: STAY.room,
      return_url: `http://${request.headers.host ?? ''}/return`,
    });
    response.status(status).json(body);
  });
  app.get('/api/payments/:id', async (request, response) => {
    const { status, body } = await callGateway(
      options,
      'GET',
      `/v1/payments/${encodeURIComponent(request.params.id)}`,
    );
    response.status(status).json(body);
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    console.error(error);
    response.status(502).json({
      detail: 'The payment service did not answer.',
    });
  });
  const listening = await listen(app, { host: '127.0.0.1', port: options.port });
  return { url: listening.url, close: listening.close };
}

function page(name: string, type: string): (request: Request, response: Response) => void {
  const content = readFileSync(join(import.meta.dirname, name), 'utf8');
  return (_request, response) => void response.type(type).send(content);
}

function securityHeaders(vaultUrl: string) {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    `frame-src ${new URL(vaultUrl).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return (_request: Request, response: Response, next: NextFunction): void => {
    response.set({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    next();
  };
}

type Answer = { status: number; body: Record<string, unknown> };

async function callGateway(
  options: Options,
  method: string,
  path: string,
  key?: string,
  body?: object,
): Promise<Answer> {
  const answer = await fetch(`${options.platform.gatewayUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${options.hotel.apiKey}`,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { status: answer.status, body: z.record(z.string(), z.unknown()).parse(await answer.json()) };
}
