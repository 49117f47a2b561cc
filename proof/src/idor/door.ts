import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import type { Dispatcher } from 'undici';
import { z } from 'zod';

export type Sent = {
  method: string;
  /** With its query. */
  path: string;
  apiKey?: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, or as it is when it is text or bytes. */
  body?: unknown;
};

export type Answer = {
  status: number;
  headers: Dispatcher.ResponseData['headers'];
  text: string;
  json: unknown;
};

// As long as the slowest charge that is allowed to be slow.
const TIMEOUT_MS = 60_000;

/** One request to the public door, of any method and with any header. */
export async function send(gatewayUrl: string, sent: Sent): Promise<Answer> {
  const { method, path, apiKey, headers, body } = sent;
  const isJson = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
  const answer = await request(`${gatewayUrl}${path}`, {
    method,
    headers: {
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(isJson ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    body: bytesOf(body),
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, text, json: parse(text) };
}

function bytesOf(body: unknown): string | Buffer | null {
  if (body === undefined) return null;
  return typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const madeSchema = z.looseObject({ id: z.string() });
export type Made = z.infer<typeof madeSchema>;

/** Makes or moves something of the hotel's own; throws unless it was done, or is under way. */
export async function make(gatewayUrl: string, apiKey: string, path: string, body: object): Promise<Made> {
  const headers = path.startsWith('/v1/payments') ? { 'idempotency-key': randomUUID() } : {};
  const answer = await send(gatewayUrl, { method: 'POST', path, apiKey, headers, body });
  if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`);
  return madeSchema.parse(answer.json);
}

/** Reads something of the hotel's own; throws unless it is there. */
export async function get(gatewayUrl: string, apiKey: string, path: string): Promise<unknown> {
  const answer = await send(gatewayUrl, { method: 'GET', path, apiKey });
  if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
}

const listSchema = z.object({ data: z.array(madeSchema) });

/** The first page of a list. */
export async function list(gatewayUrl: string, apiKey: string, path: string): Promise<Made[]> {
  return listSchema.parse(await get(gatewayUrl, apiKey, path)).data;
}
