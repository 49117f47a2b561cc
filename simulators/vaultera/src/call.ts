import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { captureFailure, errorEnvelope } from './assumptions.ts';
import type { Context } from './context.ts';
import { errorPage } from './error-page.ts';
import type { ArmedFault, RouteTrait } from './faults/fault-book.ts';
import { answerWithFault, refuseByFault } from './faults/meet-fault.ts';
import type { Reply } from './replies.ts';
import { badRequest, jsonReply, VaulteraError } from './replies.ts';
import { withoutCardNumbers } from './without-card-numbers.ts';

/** One API request, read whole. */
export type Call = {
  method: string;
  path: string;
  query: URLSearchParams;
  params: Record<string, string | string[]>;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: Buffer;
  fault: ArmedFault | undefined;
  /** Set once the credential is known; the journal's request line names it. */
  accountId: string | undefined;
};

export type Route = {
  /** What the route touches, which is what decides the faults it can meet. */
  traits: readonly RouteTrait[];
  /** How the route words its own refusals. */
  errorsAs: 'json' | 'page' | 'capture';
};

export type Action = (ctx: Context, call: Call) => Promise<Reply> | Reply;

/** A body above this is refused with 413; a card or a gateway request is a few kilobytes. */
const BODY_MAX_BYTES = 1024 * 1024;

/** Turns an action into a route: reads the request, meets an armed fault, journals the request, answers. */
export function answer(ctx: Context, route: Route, action: Action): RequestHandler {
  return async (req, res) => {
    const call = callOf(ctx, route, req);
    const reply = await replyTo(ctx, route, req, call, action);
    await answerWithFault(ctx, res, reply, call.fault, (status) => noteRequest(ctx, call, status));
  };
}

/** A query parameter; giving it twice is refused, since two readers could pick different ones. */
export function queryValue(call: Pick<Call, 'query'>, name: string): string | undefined {
  const values = call.query.getAll(name);
  if (values.length > 1) throw badRequest(`${name} is given more than once`);
  return values[0];
}

export function pathValue(call: Call, name: string): string {
  const value = call.params[name];
  return typeof value === 'string' ? value : '';
}

export function jsonBody(call: Call): unknown {
  try {
    return JSON.parse(call.body.toString('utf8')) as unknown;
  } catch {
    throw badRequest('the body is not valid JSON');
  }
}

function callOf(ctx: Context, route: Route, req: Request): Call {
  const [path, search] = splitOnce(req.originalUrl, '?');
  return {
    method: req.method,
    path,
    query: new URLSearchParams(search),
    params: req.params,
    headers: req.headers,
    rawHeaders: req.rawHeaders,
    body: Buffer.alloc(0),
    fault: ctx.faults.claim(req.method, path, route.traits),
    accountId: undefined,
  };
}

async function replyTo(ctx: Context, route: Route, req: Request, call: Call, action: Action): Promise<Reply> {
  try {
    call.body = await readBody(req);
    if (call.fault) refuseByFault(ctx, call.fault);
    return await action(ctx, call);
  } catch (error) {
    if (error instanceof VaulteraError) return errorReply(route, error);
    const words = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error';
    console.error(withoutCardNumbers(`request ${randomUUID()} ${call.method} ${call.path} failed: ${words}`));
    return errorReply(route, new VaulteraError(500, 'internal_server_error', 'Internal Server Error'));
  }
}

function errorReply(route: Route, error: VaulteraError): Reply {
  switch (route.errorsAs) {
    case 'json':
      return jsonReply(error.status, errorEnvelope(error));
    case 'capture':
      return jsonReply(error.status, captureFailure(error));
    case 'page':
      return errorPage(error);
    default:
      return route.errorsAs satisfies never;
  }
}

async function readBody(req: Request): Promise<Buffer> {
  if (req.headers['content-length'] === undefined && req.headers['transfer-encoding'] === undefined) {
    return Buffer.alloc(0);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop must not destroy the socket: the 413 still has to go out on it.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_MAX_BYTES) throw new VaulteraError(413, 'payload_too_large', 'Payload Too Large');
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
}

/** Never the query (it holds keys and session tokens), never a body. */
function noteRequest(ctx: Context, call: Call, status: number | null): void {
  const idempotencyKey = call.headers['idempotency-key'];
  ctx.journal.note('request', {
    method: call.method,
    path: withoutCardNumbers(call.path),
    account: call.accountId ?? null,
    idempotency_key: typeof idempotencyKey === 'string' ? withoutCardNumbers(idempotencyKey) : null,
    status,
    ...(call.fault && { fault: call.fault.fault }),
  });
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
