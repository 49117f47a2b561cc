import { hash } from 'node:crypto';
import type { Hotel } from '@centra/dev/seed.ts';
import { request } from 'undici';
import type { Dispatcher } from 'undici';
import { z } from 'zod';

/** One operation, as a booking engine asks for it. Amounts are minor units. */
export type Asked = { key: string } & (
  | { action: 'charge'; card: string; amount: number; currency: string }
  /** Only registers; `authorize` with its payment brings the card. */
  | { action: 'create'; amount: number; currency: string; captureMethod: 'automatic' | 'manual' }
  | { action: 'authorize'; paymentId: string; card: string }
  /** A hold that makes its own payment. */
  | { action: 'authorize'; paymentId: null; card: string; amount: number; currency: string }
  /** Without an amount all that is left. */
  | { action: 'capture'; paymentId: string; amount?: number; keepOpen?: boolean }
  | { action: 'cancel'; paymentId: string }
  | { action: 'adjust'; paymentId: string; amount: number }
  | { action: 'refund'; paymentId: string; amount?: number }
);

export type Answered = {
  status: number;
  headers: Dispatcher.ResponseData['headers'];
  /** Undefined when the bytes are no JSON. */
  json: unknown;
  bytes: Buffer;
};
/** No answer: cut, refused or too late. Whether it arrived is not known. */
export type Unanswered = { status: 0; reason: string };

export type AskOptions = {
  /** From the first byte sent to the last one received; 15 s unless told otherwise. */
  timeoutMs?: number;
  /** Connections of the caller's own; undici's shared ones unless told otherwise. */
  dispatcher?: Dispatcher;
  /** The same JSON, spelt with other spaces and its members in another order. */
  respelt?: boolean;
};

// Longer than what the stage's provider calls and leases need to end by themselves, and than the gateway's own limit: whoever
// gives up first, it is not the client.
export const TIMEOUT_MS = 15_000;

/** Asks through one door for one operation; never throws for what the platform does. */
export async function ask(
  door: string,
  { apiKey }: Pick<Hotel, 'apiKey'>,
  asked: Asked,
  options: AskOptions = {},
): Promise<Answered | Unanswered> {
  const { path, body } = toHttp(asked);
  const headers = {
    authorization: `Bearer ${apiKey}`,
    'idempotency-key': asked.key,
    'content-type': 'application/json',
  };
  const text = options.respelt === true ? respell(body) : JSON.stringify(body);
  return await send(`${door}${path}`, { method: 'POST', headers, body: text }, options);
}

/** Reads, for example `/v1/payments/pay_…`. */
export async function read(
  door: string,
  { apiKey }: Pick<Hotel, 'apiKey'>,
  path: string,
  options: AskOptions = {},
): Promise<Answered | Unanswered> {
  const headers = { authorization: `Bearer ${apiKey}` };
  return await send(`${door}${path}`, { method: 'GET', headers }, options);
}

async function send(
  url: string,
  { method, headers, body }: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string },
  { timeoutMs = TIMEOUT_MS, dispatcher }: AskOptions,
): Promise<Answered | Unanswered> {
  try {
    const answer = await request(url, {
      method,
      headers,
      body: body ?? null,
      signal: AbortSignal.timeout(timeoutMs),
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    return { status: answer.statusCode, headers: answer.headers, json: parseJson(bytes), bytes };
  } catch (error) {
    const { name, message, code } = errorSchema.parse(error);
    return { status: 0, reason: `${code ?? name}: ${message}`.slice(0, REASON_MAX) };
  }
}

// A time limit is a DOMException, whose code is a number that says nothing.
const errorSchema = z.object({
  name: z.string(),
  message: z.string(),
  code: z.string().optional().catch(undefined),
});
// Enough to tell a reset from a time limit; a journal of a hundred thousand requests stays readable.
const REASON_MAX = 200;

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

type Body = Record<string, string | number | boolean | Record<string, boolean>>;

/** Where the request goes, and what it says. */
export function toHttp(asked: Asked): { path: string; body: Body } {
  const booking = { booking_reference: `PROOF-${asked.action}` };
  switch (asked.action) {
    case 'charge': {
      const { card, amount, currency } = asked;
      return { path: '/v1/charge', body: { card_token: card, amount, currency, ...booking } };
    }
    case 'create': {
      const { amount, currency, captureMethod } = asked;
      return {
        path: '/v1/payments',
        body: { amount, currency, capture_method: captureMethod, extras: EXTRAS, ...booking },
      };
    }
    case 'authorize': {
      const { paymentId, card } = asked;
      if (paymentId !== null)
        return { path: `/v1/payments/${paymentId}/authorize`, body: { card_token: card } };
      const { amount, currency } = asked;
      const hold = { card_token: card, amount, currency, capture_method: 'manual', extras: EXTRAS };
      return { path: '/v1/payments', body: { ...hold, ...booking } };
    }
    case 'capture': {
      const { paymentId, amount, keepOpen } = asked;
      const body = {
        ...(amount === undefined ? {} : { amount }),
        ...(keepOpen === undefined ? {} : { keep_open: keepOpen }),
      };
      return { path: `/v1/payments/${paymentId}/capture`, body };
    }
    case 'cancel':
      return { path: `/v1/payments/${asked.paymentId}/cancel`, body: {} };
    case 'adjust':
      return { path: `/v1/payments/${asked.paymentId}/adjust`, body: { amount: asked.amount } };
    case 'refund':
      return {
        path: `/v1/payments/${asked.paymentId}/refund`,
        body: asked.amount === undefined ? {} : { amount: asked.amount },
      };
    default:
      throw new Error(`nobody asks for ${JSON.stringify(asked satisfies never)}`);
  }
}

// Wished for on every hold; brand and provider decide which are given.
const EXTRAS = { multiple_capture: true, incremental: true };

/** SHA-256 of endpoint and body, however the body was spelt: equal exactly when the same is asked for. */
export function fingerprintOf(asked: Asked): string {
  const { path, body } = toHttp(asked);
  const sorted = Object.entries(body).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify([path, sorted]));
}

function respell(body: Body): string {
  return JSON.stringify(Object.fromEntries(Object.entries(body).toReversed()), null, 1);
}

/** `pay_…` in the path; null where the payment is made by the request. */
export function paymentIdOf(asked: Asked): string | null {
  return 'paymentId' in asked ? asked.paymentId : null;
}

/** Minor units; null for all that is left, and for what has no amount of its own. */
export function amountOf(asked: Asked): number | null {
  return 'amount' in asked ? (asked.amount ?? null) : null;
}
