import type { RequestListener } from 'node:http';
import type { Metrics } from './metrics.ts';
import type { Listening } from './listen.ts';
import { listen } from './listen.ts';

/** What a service says about itself: each named check answers or throws with the reason. */
export type HealthChecks = Readonly<Record<string, () => Promise<void>>>;

type OpsOptions = {
  host: string;
  port: number;
  metrics: Metrics;
  /** Needed to take work; a failing one takes the process out of the load balancer. */
  checks: HealthChecks;
  /** False once the process drains. */
  isAccepting: () => boolean;
  /** Further pages of this listener, by exact path. */
  pages?: Readonly<Record<string, RequestListener>>;
};

// A check that takes longer is as good as failed: Kubernetes itself waits 1 s by default.
const CHECK_TIMEOUT_MS = 900;

/** The operators' own listener: `/health`, `/ready` and `/metrics` never stand on a public port. */
export async function startOpsServer(options: OpsOptions): Promise<Listening> {
  return await listen(
    (request, response) => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      const page = options.pages?.[path];
      if (request.method !== 'GET') return void response.writeHead(405).end();
      if (page !== undefined) return page(request, response);
      // A number that cannot be collected must not end the process that it describes.
      const told = answer(options, path).catch(() => json(500, { status: 'cannot be told' }));
      void told.then(({ status, type, body }) =>
        response.writeHead(status, { 'content-type': type }).end(body),
      );
    },
    { host: options.host, port: options.port },
  );
}

type Answer = { status: number; type: string; body: string };

async function answer(options: OpsOptions, path: string): Promise<Answer> {
  if (path === '/metrics')
    return {
      status: 200,
      type: options.metrics.registry.contentType,
      body: await options.metrics.registry.metrics(),
    };
  if (path === '/health') {
    const checks = await runChecks(options.checks);
    const healthy = Object.values(checks).every((check) => check === 'ok');
    return json(healthy ? 200 : 503, { status: healthy ? 'ok' : 'failing', checks });
  }
  if (path === '/ready') {
    const checks = options.isAccepting() ? await runChecks(options.checks) : { process: 'draining' };
    const ready = Object.values(checks).every((check) => check === 'ok');
    return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks });
  }
  return json(404, { status: 'not found' });
}

function json(status: number, body: unknown): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}

/** Runs all checks at once; each becomes "ok" or the reason. */
export async function runChecks(checks: HealthChecks): Promise<Record<string, string>> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]): Promise<[string, string]> => {
      try {
        await withTimeout(check());
        return [name, 'ok'];
      } catch (error) {
        return [name, error instanceof Error ? error.message || error.name : String(error)];
      }
    }),
  );
  return Object.fromEntries(results);
}

async function withTimeout(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
