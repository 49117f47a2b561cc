import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorRequestHandler } from 'express';
import { AppError, ERRORS, toProblem } from '@centra/service-kit/errors.ts';
import { toAppError } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { exchangeOf } from './exchange.ts';

// A caller in the middle of a large body is read this long, so that it sees the refusal instead of a reset connection.
const LINGER_MS = 1_000;

/** Error middleware, last of all: refusals become RFC 9457 documents, bugs become a 500 that says nothing. */
export function problemErrors(context: Context): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const { requestId } = exchangeOf(request);
    const refusal = toAppError(error);
    if (refusal.code === 'internal' && !(error instanceof AppError))
      context.log.error({ err: error, requestId }, 'request failed');
    // What was away, and why: the request line says only that something was.
    else if (refusal.code === 'unavailable') context.log.warn({ err: error, requestId }, 'request not taken');
    // Too late for another answer: the caller must see that this one is not whole.
    if (response.headersSent) response.destroy();
    else sendProblem(request, response, refusal, requestId);
  };
}

function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: AppError,
  requestId: string,
): void {
  const body = JSON.stringify(toProblem(refusal, requestId));
  response.statusCode = ERRORS[refusal.code].http;
  response.setHeader('content-type', 'application/problem+json');
  response.setHeader('content-length', Buffer.byteLength(body));
  if (refusal.code === 'unauthenticated') response.setHeader('www-authenticate', 'Bearer');
  if (refusal.retryAfterSeconds !== undefined) response.setHeader('retry-after', refusal.retryAfterSeconds);
  if (request.complete || !hasBody(request)) {
    response.end(body);
    return;
  }
  // A connection with half a body on it cannot carry another request.
  response.setHeader('connection', 'close');
  response.write(body);
  const timer = setTimeout(() => response.end(), LINGER_MS);
  request.once('end', () => response.end());
  response.once('close', () => clearTimeout(timer));
  request.resume();
}

/** Whether the request announced a body (RFC 9112 §6.3). */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
