import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';

// Half of what a new key is published for before it signs (signing-key-rows.ts).
const MAX_AGE_S = 300;

/** GET /.well-known/jwks.json: the keys that access tokens are checked with. */
export function getJwks(context: Context): RequestHandler {
  return async (_request, response) => {
    const set = await context.signingKeys.published();
    response.setHeader('cache-control', `public, max-age=${MAX_AGE_S}`);
    response.json(set);
  };
}
