import type { RequestHandler } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { CLIENT_ADDRESS_HEADER, contextOf, IDENTITY_HEADER } from '@centra/service-kit/http.ts';
import type { Verifier } from '@centra/service-kit/service-identity.ts';

// As for requests with an identity: an IPv6 address with a zone and a port is shorter.
const ADDRESS_MAX_LENGTH = 64;

/**
 * For routes that need no credential: lets only requests through that came in by the gateway's door, which vouches for
 * nobody there. A signed identity does not open them, and what opens them is no identity anywhere.
 */
export function requireGateway(verifier: Verifier): RequestHandler {
  return (request, _response, next) => {
    const token = request.headers[IDENTITY_HEADER];
    if (typeof token !== 'string') throw new AppError('unauthenticated', { internal: 'no gateway token' });
    const caller = verifier.verifyService(token);
    if (caller !== 'api-gateway')
      throw new AppError('unauthenticated', { internal: `public route called by ${caller}` });
    const address = request.headers[CLIENT_ADDRESS_HEADER];
    if (typeof address === 'string') contextOf(request).address = address.slice(0, ADDRESS_MAX_LENGTH);
    next();
  };
}
