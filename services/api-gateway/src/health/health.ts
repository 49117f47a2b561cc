import type { RequestHandler, Response } from 'express';
import type { RequestListener } from 'node:http';
import { runChecks } from '@centra/service-kit/ops-server.ts';
import type { HealthChecks } from '@centra/service-kit/ops-server.ts';
import type { Context } from '../context.ts';

export type HealthReport = { healthy: boolean; checks: Record<string, string> };
export type Health = { report(): Promise<HealthReport> };

// Anyone may ask, so the services are asked at most once in this time.
const REPORT_MAX_AGE_MS = 1_000;
const CHECK_TIMEOUT_MS = 800;

/** Asks each service of HEALTH_TARGETS whether it is ready. */
export function createHealth(context: Context): Health {
  const targets: HealthChecks = Object.fromEntries(
    [...context.config.healthTargets].map(([name, url]) => [name, async () => await requireReady(url)]),
  );
  let latest: Promise<HealthReport> | undefined;
  let askedAt = 0;
  const ask = async (): Promise<HealthReport> => {
    const checks = await runChecks(targets);
    return { healthy: Object.values(checks).every((check) => check === 'ok'), checks };
  };
  return {
    report() {
      const now = performance.now();
      if (latest === undefined || now - askedAt >= REPORT_MAX_AGE_MS) {
        askedAt = now;
        latest = ask();
      }
      return latest;
    },
  };
}

async function requireReady(url: string): Promise<void> {
  let response: globalThis.Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS), redirect: 'error' });
  } catch (error) {
    throw new Error('does not answer', { cause: error });
  }
  await response.body?.cancel();
  if (!response.ok) throw new Error(`answers ${response.status}`);
}

/** `/health` for the public: a word, no details (security-tests row 14). */
export function publicHealth(context: Context, health: Health): RequestHandler {
  return async (_request, response) => {
    const { healthy } = await health.report();
    const isOk = healthy && !context.lifecycle.draining;
    sendJson(response, isOk ? 200 : 503, { status: isOk ? 'ok' : 'unavailable' });
  };
}

function sendJson(response: Response, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

/**
 * `/health` for operators: which service is not ready and why, and where limits are counted. Unlike `/ready` it depends
 * on the services: taking the gateway out because one of them is away would help nobody.
 */
export function operatorsHealth(context: Context, health: Health): RequestListener {
  return (_request, response) => {
    void health.report().then(({ healthy, checks }) => {
      const body = { status: healthy ? 'ok' : 'failing', checks, limits: context.limiter.where() };
      response
        .writeHead(healthy ? 200 : 503, { 'content-type': 'application/json' })
        .end(JSON.stringify(body));
    });
  };
}
