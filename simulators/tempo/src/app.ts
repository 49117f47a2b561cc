import express from 'express';
import type { Express } from 'express';
import { z } from 'zod';
import type { Context } from './context.ts';
import { controlRouter } from './control.ts';
import { meetFaults } from './faults.ts';
import { answerRpc } from './json-rpc.ts';

/** A node of each network: `/testnet` and `/mainnet`. */
export function createApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use('/_control', controlRouter(context));
  app.use(
    meetFaults(context.faults, (request, { fault }) =>
      context.journal.append('request', { method: request.method, path: request.path, fault }),
    ),
  );
  const body = express.json({ limit: '64kb' });
  for (const network of ['testnet', 'mainnet'] as const)
    app.post(`/${network}`, body, (request, response) => {
      const method = z.object({ method: z.string() }).safeParse(request.body).data?.method;
      context.journal.append('request', {
        network,
        rpc: method?.slice(0, 64) ?? null,
      });
      answerRpc(context, network, request, response);
    });
  app.use((_request, response) => void response.status(404).end());
  return app;
}
