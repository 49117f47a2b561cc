import type { Call } from '../http/endpoint.ts';

/** `POST /v1/auth/token/revoke-self` */
export function revokeSelf({ ctx, token }: Call): void {
  if (token !== undefined) delete ctx.state.tokens[token.id];
}
