import type { Call } from '../http/endpoint.ts';
import { badRequest } from '../http/vault-error.ts';

/** `POST /v1/sys/mounts/:mount {type:"transit"}` */
export function mountEngine({ ctx, param, body }: Call): void {
  const mount = param('mount');
  if (body['type'] !== 'transit')
    throw badRequest(`plugin not found in the catalog: ${String(body['type'])}`);
  if (ctx.state.mounts[mount] !== undefined) throw badRequest(`path is already in use at ${mount}/`);
  ctx.state.mounts[mount] = 'transit';
}

/** `POST /v1/sys/auth/:mount {type:"approle"}` */
export function enableAuth({ ctx, param, body }: Call): void {
  const mount = param('mount');
  if (body['type'] !== 'approle')
    throw badRequest(`plugin not found in the catalog: ${String(body['type'])}`);
  if (ctx.state.auths[mount] !== undefined) throw badRequest(`path is already in use at ${mount}/`);
  ctx.state.auths[mount] = 'approle';
}
