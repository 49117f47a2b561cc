import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { AppError, ERRORS, bigintAsText, toProblem } from './errors.ts';
import type { FieldError } from './errors.ts';
import { refuseCardData } from './card-data.ts';
import { isDatabaseUnavailable } from './database.ts';
import { newUuid, toPublicId } from './ids.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Identity, UserIdentity, Verifier } from './service-identity.ts';
import { parseStrictJson } from './strict-json.ts';

/** Carries the gateway's signed word on who is calling. Stripped from everything that comes from outside. */
export const IDENTITY_HEADER = 'x-centra-identity';
/** The caller's address as the gateway saw it. Only read from requests that carry a valid identity. */
export const CLIENT_ADDRESS_HEADER = 'x-centra-client-address';

// 256 KiB: the largest honest request is under 64 KiB of metadata (security-tests row 5).
export const BODY_MAX_BYTES = 256 * 1024;
const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** What a handler may know of its request beyond Express's own. */
export type RequestContext = {
  requestId: string;
  identity: Identity | undefined;
  /** The person, on routes that concern their own account. */
  user: UserIdentity | undefined;
  address: string;
};

const contexts = new WeakMap<Request, RequestContext>();

/** The context that `requestContext()` attached. */
export function contextOf(request: Request): RequestContext {
  const context = contexts.get(request);
  if (context === undefined) throw new Error('requestContext() is not in front of this route');
  return context;
}

/** The identity that `requireIdentity()` or `requireCheckout()` checked. */
export function identityOf(request: Request): Identity {
  const { identity } = contextOf(request);
  if (identity === undefined) throw new Error('requireIdentity() is not in front of this route');
  return identity;
}

/** The person that `requireUser()` checked. */
export function userOf(request: Request): UserIdentity {
  const { user } = contextOf(request);
  if (user === undefined) throw new Error('requireUser() is not in front of this route');
  return user;
}

/**
 * First in every app: a request id (the caller's own when it is a plain one) in and out, the duration metric, and a line on
 * whatever did not end well. What did is one line at the gateway.
 */
export function requestContext(metrics: Metrics, log: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.headers['x-request-id'];
    const requestId =
      typeof given === 'string' && REQUEST_ID.test(given) ? given : toPublicId('req', newUuid());
    contexts.set(request, {
      requestId,
      identity: undefined,
      user: undefined,
      address: request.socket.remoteAddress ?? '',
    });
    response.setHeader('x-request-id', requestId);
    const { method } = request;
    const end = metrics.requestSeconds.startTimer({ method });
    response.on('finish', () => {
      const { statusCode: status } = response;
      const route = routeOf(request);
      end({ route, status: String(status) });
      if (status >= 400) log.info({ requestId, method, route, status }, 'request did not succeed');
    });
    next();
  };
}

function routeOf(request: Request): string {
  const route: unknown = request.route;
  const path = typeof route === 'object' && route !== null && 'path' in route ? route.path : undefined;
  return typeof path === 'string' ? `${request.baseUrl}${path}` : 'unmatched';
}

/** Lets only requests through that the gateway vouched for, with the scope. 401 without identity, 403 without scope. */
export function requireIdentity(verifier: Verifier, scope: string): RequestHandler {
  return (request, _response, next) => {
    const identity = verifier.verifyIdentity(tokenOf(request));
    const context = contextOf(request);
    context.identity = identity;
    takeClientAddress(request, context);
    requireScope(identity, scope);
    next();
  };
}

/**
 * Lets only requests through in which the gateway vouched for the holder of a client secret. It opens one object and no
 * scope, so the handler must hold the id of its path against the identity's `objectId`.
 */
export function requireCheckout(verifier: Verifier): RequestHandler {
  return (request, _response, next) => {
    const identity = verifier.verifyIdentity(tokenOf(request));
    if (identity.objectId === undefined)
      throw new AppError('unauthenticated', { internal: `checkout route called by ${identity.actor}` });
    const context = contextOf(request);
    context.identity = identity;
    takeClientAddress(request, context);
    next();
  };
}

/** Lets only requests through in which the gateway vouched for a person, whatever hotel they work at. */
export function requireUser(verifier: Verifier): RequestHandler {
  return (request, _response, next) => {
    const user = verifier.verifyUser(tokenOf(request));
    const context = contextOf(request);
    context.user = user;
    takeClientAddress(request, context);
    next();
  };
}

/**
 * For routes that need no credential: lets only requests through that came in by the gateway's door, which vouches for
 * nobody there. A signed identity does not open them, and what opens them is no identity anywhere.
 */
export function requireGateway(verifier: Verifier): RequestHandler {
  return (request, _response, next) => {
    const caller = verifier.verifyService(tokenOf(request));
    if (caller !== 'api-gateway')
      throw new AppError('unauthenticated', { internal: `public route called by ${caller}` });
    takeClientAddress(request, contextOf(request));
    next();
  };
}

function tokenOf(request: Request): string {
  const token = request.headers[IDENTITY_HEADER];
  if (typeof token !== 'string') throw new AppError('unauthenticated', { internal: 'no identity header' });
  return token;
}

// An IPv6 address with a zone and a port is shorter.
const ADDRESS_MAX_LENGTH = 64;

function takeClientAddress(request: Request, context: RequestContext): void {
  const address = request.headers[CLIENT_ADDRESS_HEADER];
  if (typeof address === 'string') context.address = address.slice(0, ADDRESS_MAX_LENGTH);
}

/** 403 naming the scope that is missing. */
export function requireScope(identity: Identity, scope: string): void {
  if (!identity.scopes.includes(scope))
    throw new AppError('forbidden', {
      detail: `This credential lacks the scope ${scope}.`,
      extra: { required_scope: scope },
    });
}

/** Reads and parses a JSON body under all limits; the parsed value becomes `request.body`. */
export function jsonBody(): RequestHandler {
  return async (request, _response, next) => {
    requireJsonHeaders(request);
    const value = parseStrictJson(await readBody(request));
    refuseCardData(value);
    request.body = value;
    next();
  };
}

function requireJsonHeaders(request: Request): void {
  const type = (request.headers['content-type'] ?? '').trim().toLowerCase();
  if (!/^application\/json(\s*;\s*charset="?utf-8"?)?$/.test(type))
    throw new AppError('unsupported_media_type');
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new AppError('unsupported_media_type');
}

/** The body's bytes as they came; 413 for more than 256 KiB, 400 when they do not arrive whole. */
export async function readBody(request: Request): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_MAX_BYTES)
    throw new AppError('payload_too_large');
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // A stream that is destroyed where reading stops takes the connection with it, and the refusal could not be sent.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > BODY_MAX_BYTES) throw new AppError('payload_too_large');
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    // A sender that goes away half-way is its own fault, not that of the database or of this service.
    throw new AppError('malformed_request', { cause: error, internal: 'the body did not arrive whole' });
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** Parses by a schema or throws `validation_failed` (400) with each field and why. */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, FIELD_ERRORS_MAX).flatMap(toFieldErrors);
  throw new AppError('validation_failed', { errors: errors.slice(0, FIELD_ERRORS_MAX) });
}

// A hostile body can break every field; a person reads the first few.
const FIELD_ERRORS_MAX = 20;
// Longer than any honest path; the caller chooses the names of unknown fields.
const FIELD_MAX_LENGTH = 128;

function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownField(path === '' ? key : `${path}.${key}`));
  return [{ field: path === '' ? 'body' : path.slice(0, FIELD_MAX_LENGTH), reason: issue.message }];
}

function unknownField(name: string): FieldError {
  return { field: name.slice(0, FIELD_MAX_LENGTH), reason: 'is not a known field' };
}

/** For routes without query parameters: any is 400, since a misspelt wish must not be silently ignored. */
export function refuseQuery(request: Request): void {
  // The check of a path without one, which is every honest charge, costs nothing.
  if (request.originalUrl.includes('?')) parseWith(noParameters, queryOf(request));
}

const noParameters = z.strictObject({});

/**
 * Query parameters as a plain object; a repeated one is refused (400), since services would differ on which counts.
 * Reads the target's text and not a URL: a target need not be a valid one.
 */
export function queryOf(request: Request): Record<string, string> {
  const [, text = ''] = /\?([^#]*)/.exec(request.originalUrl) ?? [];
  const values: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    refuseCardData({ [name]: value });
    const reason = refusalOfParameter(values, name, value);
    if (reason !== undefined)
      throw new AppError('validation_failed', {
        errors: [{ field: name.slice(0, FIELD_MAX_LENGTH), reason }],
      });
    values[name] = value;
  }
  return values;
}

function refusalOfParameter(
  values: Readonly<Record<string, string>>,
  name: string,
  value: string,
): string | undefined {
  // Assigned to an object, this name would change its prototype and be lost.
  if (name === '__proto__' || name in Object.prototype) return 'is not a known field';
  if (Object.hasOwn(values, name)) return 'is given more than once';
  // No text column can hold it, and bodies refuse it too.
  return name.includes('\0') || value.includes('\0') ? 'contains NUL' : undefined;
}

/** Last route: nothing matched. */
export function notFound(): RequestHandler {
  return () => {
    throw new AppError('not_found');
  };
}

/** Error middleware, last of all: refusals become problem documents, bugs become a silent 500 with a log line. */
export function problemErrors(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const { requestId } = contextOf(request);
    const refusal = toAppError(error);
    if (ERRORS[refusal.code].http >= 500) log.error({ err: error, requestId }, 'request failed');
    else log.debug({ code: refusal.code, internal: refusal.message, requestId }, 'request refused');
    // Too late for another answer: the caller must see that this one is not whole.
    if (response.headersSent) response.destroy();
    else sendProblem(request, response, refusal, requestId);
  };
}

/** Every error that is not a refusal is a bug, or the database being away. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isDatabaseUnavailable(error))
    return new AppError('unavailable', { cause: error, retryAfterSeconds: 1 });
  // How Express reports a path parameter that is not percent-encoded UTF-8.
  if (error instanceof URIError) return new AppError('malformed_request', { cause: error });
  return new AppError('internal', { cause: error });
}

// A caller in the middle of a large body is read this long, so that it sees the refusal instead of a reset connection.
const LINGER_MS = 1_000;

function sendProblem(request: Request, response: Response, refusal: AppError, requestId: string): void {
  const body = JSON.stringify(toProblem(refusal, requestId), bigintAsText);
  if (refusal.retryAfterSeconds !== undefined) response.setHeader('retry-after', refusal.retryAfterSeconds);
  response.status(ERRORS[refusal.code].http);
  response.setHeader('content-type', 'application/problem+json');
  response.setHeader('content-length', Buffer.byteLength(body));
  if (request.complete || !hasBody(request)) {
    response.end(body);
    return;
  }
  // A body that was refused half-read leaves bytes on the connection; it cannot carry another request.
  response.setHeader('connection', 'close');
  response.write(body);
  const timer = setTimeout(() => response.end(), LINGER_MS);
  request.once('end', () => response.end());
  response.once('close', () => clearTimeout(timer));
  request.resume();
}

/** Whether the request announced a body (RFC 9112 §6.3). */
export function hasBody(request: Request): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
