import type { RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { BODY_MAX_BYTES } from '@centra/service-kit/http.ts';
import { exchangeOf } from './exchange.ts';
import { holdsCardNumber } from './url-text.ts';

/** For the Allow header where no path is known. */
export const METHODS_ALLOWED = 'GET, HEAD, POST, DELETE, OPTIONS';

// Node joins or drops repeats of these without a word; two parties could then read the same request differently.
const SINGLE_HEADERS = new Set([
  'host',
  'authorization',
  'idempotency-key',
  'content-type',
  'origin',
  'stripe-signature',
]);

/** Refuses what no route of ours takes, before any work is done for it. */
export function refuseMalformed(): RequestHandler {
  return (request, response, next) => {
    if (request.method === 'TRACE') {
      response.setHeader('allow', METHODS_ALLOWED);
      throw new AppError('method_not_allowed');
    }
    // `GET http://elsewhere/` and `OPTIONS *`: Node itself accepts any target.
    if (!request.url.startsWith('/'))
      throw new AppError('malformed_request', { detail: 'The request target must be a path.' });
    refuseRepeatedHeaders(request.rawHeaders);
    refuseCardNumbers(exchangeOf(request).cardInUrl, request.headers['idempotency-key']);
    // Nobody needs to compress 256 KiB, and what cannot be compressed cannot be a bomb.
    if (request.headers['content-encoding'] !== undefined) throw new AppError('unsupported_media_type');
    if (Number(request.headers['content-length'] ?? 0) > BODY_MAX_BYTES)
      throw new AppError('payload_too_large');
    next();
  };
}

function refuseRepeatedHeaders(rawHeaders: readonly string[]): void {
  let seen: Set<string> | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (!SINGLE_HEADERS.has(name)) continue;
    seen ??= new Set();
    if (seen.has(name))
      throw new AppError('malformed_request', {
        errors: [{ field: name, reason: 'is given more than once' }],
      });
    seen.add(name);
  }
}

function refuseCardNumbers(inUrl: boolean, idempotencyKey: string | string[] | undefined): void {
  const reason = 'looks like card data, which only the card vault may receive';
  if (inUrl) throw new AppError('card_data_not_allowed', { errors: [{ field: 'url', reason }] });
  if (typeof idempotencyKey === 'string' && holdsCardNumber(idempotencyKey))
    throw new AppError('card_data_not_allowed', { errors: [{ field: 'Idempotency-Key', reason }] });
}

/** 405 for whatever would change a page. */
export function onlyRead(): RequestHandler {
  return (request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      throw new AppError('method_not_allowed');
    }
    next();
  };
}
