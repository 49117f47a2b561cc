import express from 'express';
import type { Express } from 'express';
import type { Context } from './context.ts';
import { allowOrigin } from './cors/allow-origin.ts';
import { servePage } from './docs/pages.ts';
import type { Pages } from './docs/pages.ts';
import { authenticate, authorize } from './edge/authenticate.ts';
import { openExchange } from './edge/exchange.ts';
import { findRoute } from './edge/find-route.ts';
import { onlyRead, refuseMalformed } from './edge/refuse-malformed.ts';
import { problemErrors } from './edge/send-problem.ts';
import { publicHealth } from './health/health.ts';
import type { Health } from './health/health.ts';
import { limitRate } from './limits/limit-rate.ts';
import { forward, refuseOverload } from './upstreams/forward.ts';

/** The public door: every request passes these steps from top to bottom. The routes themselves are in `routes.ts`. */
export function createApp(context: Context, parts: { health: Health; pages: Pages }): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.use(openExchange(context));
  app.use(refuseMalformed());
  app.all('/health', onlyRead(), publicHealth(context, parts.health));
  if (context.config.publicDocs)
    for (const [path, page] of parts.pages)
      app.all(path, onlyRead(), (_request, response) => servePage(page, response));
  app.use(findRoute(context));
  app.use(refuseOverload(context));
  app.use(authenticate(context));
  app.use(allowOrigin(context));
  app.use(authorize());
  app.use(limitRate(context));
  app.use(forward(context));
  app.use(problemErrors(context));
  return app;
}
