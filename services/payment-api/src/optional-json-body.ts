import type { RequestHandler } from 'express';
import { jsonBody } from '@centra/service-kit/http.ts';

/** As `jsonBody()`, for routes that may be asked without a body: then it is an empty object. */
export function optionalJsonBody(): RequestHandler {
  const readJson = jsonBody();
  return async (request, response, next) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    // A body that was announced is read and must be JSON (RFC 9112 §6.3).
    if (encoding !== undefined || (length !== undefined && length !== '0')) {
      await readJson(request, response, next);
      return;
    }
    request.body = {};
    next();
  };
}
