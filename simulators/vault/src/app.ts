import express from 'express';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { createSecretId } from './approle/create-secret-id.ts';
import { logIn } from './approle/log-in.ts';
import { readRoleId, writeRole } from './approle/role.ts';
import type { Context } from './context.ts';
import { controlRouter } from './control/control.ts';
import { endpoint } from './http/endpoint.ts';
import type { Call, Door } from './http/endpoint.ts';
import { VaultError } from './http/vault-error.ts';
import { readPolicy, writePolicy } from './policies/policy.ts';
import { health } from './sys/health.ts';
import { enableAuth, mountEngine } from './sys/mounts.ts';
import { unwrap } from './sys/wrapping.ts';
import { createToken } from './tokens/create-token.ts';
import { lookupSelf } from './tokens/lookup-self.ts';
import { renewSelf } from './tokens/renew-self.ts';
import { revokeSelf } from './tokens/revoke-self.ts';
import { capabilityToEncrypt, decrypt, encrypt, rewrap } from './transit/crypt.ts';
import {
  configureKey,
  createKey,
  deleteKey,
  makeDataKey,
  readKey,
  rotate,
  trimKey,
} from './transit/manage-key.ts';

// Vault's own default is 32 MiB; batches here are small.
const BODY_MAX = '1mb';

export function createApp(ctx: Context): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use('/_control', controlRouter(ctx));
  app.get('/v1/sys/health', health(ctx));
  app.use(redirectFromStandby(ctx));
  app.use(express.raw({ type: () => true, limit: BODY_MAX }));
  app.use('/v1', api(ctx));
  app.use(
    endpoint(ctx, () => {
      throw new VaultError(404, 'no handler for route');
    }),
  );
  app.use(unreadable);
  return app;
}

function api(ctx: Context): express.Router {
  const router = express.Router();
  const on = (action: Parameters<typeof endpoint>[1], door?: Door) => endpoint(ctx, action, door);
  const write = (path: string, handler: RequestHandler): void =>
    void router.route(path).post(handler).put(handler);
  write('/sys/wrapping/unwrap', unwrap(ctx));
  write('/sys/mounts/:mount', on(mountEngine));
  write('/sys/auth/:mount', on(enableAuth));
  write('/sys/policies/acl/:name', on(writePolicy));
  router.get('/sys/policies/acl/:name', on(readPolicy));
  write('/auth/token/create', on(createToken));
  write('/auth/token/renew-self', on(renewSelf));
  write('/auth/token/revoke-self', on(revokeSelf));
  router.get('/auth/token/lookup-self', on(lookupSelf));
  write('/auth/:mount/login', on(logIn, { token: 'none' }));
  write('/auth/:mount/role/:name', on(writeRole));
  router.get('/auth/:mount/role/:name/role-id', on(readRoleId));
  write('/auth/:mount/role/:name/secret-id', on(createSecretId));
  write('/:mount/encrypt/:name', on(encrypt, { capability: capabilityToEncrypt }));
  write('/:mount/decrypt/:name', on(decrypt));
  write('/:mount/rewrap/:name', on(rewrap));
  write('/:mount/datakey/:form/:name', on(makeDataKey));
  write('/:mount/keys/:name', on(createKey));
  router.get('/:mount/keys/:name', on(readKey));
  router.delete(
    '/:mount/keys/:name',
    on((call: Call) => deleteKey(call)),
  );
  write('/:mount/keys/:name/rotate', on(rotate));
  write('/:mount/keys/:name/config', on(configureKey));
  write('/:mount/keys/:name/trim', on(trimKey));
  return router;
}

/** A standby serves nothing itself: 307, so that method and body are kept. */
function redirectFromStandby(ctx: Context): RequestHandler {
  return (req, res, next) => {
    const { standbyOf } = ctx.config;
    if (standbyOf === undefined) return next();
    ctx.journal.note({
      method: req.method,
      path: req.path.replace(/^\/v1\//, ''),
      namespace: null,
      accessor: null,
      status: 307,
    });
    res.status(307).set('location', `${standbyOf}${req.originalUrl}`).end();
  };
}

/** A path or body that cannot be read at all, before any route sees it. */
const unreadable: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) return next(error);
  const status =
    error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 400;
  res.status(status).json({ errors: ['the request cannot be read'] });
};
