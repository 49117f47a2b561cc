import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from '../context.ts';
import type { Exchange } from './exchange.ts';

/** One line for one request. Never a body, a query value or a credential; the path is already fit for a log. */
export function logExchange(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
): void {
  const durationMs = performance.now() - exchange.startedAt;
  const { route, identity, user, attempt } = exchange;
  const pattern = route?.path ?? 'unmatched';
  // Gone before the answer began: there is no status then. 499 is what reverse proxies write for it.
  const status = response.headersSent ? response.statusCode : 499;
  const method = knownMethod(request.method);
  context.metrics.requestSeconds.observe(
    { route: pattern, method, status: String(status) },
    durationMs / 1000,
  );
  context.log.info(
    {
      requestId: exchange.requestId,
      method,
      route: pattern,
      path: exchange.path,
      status,
      durationMs: Math.round(durationMs * 10) / 10,
      bytes: request.socket.bytesWritten - exchange.bytesBefore,
      address: exchange.address,
      merchantId: identity?.merchantId,
      mode: identity?.mode,
      actor: identity?.actor ?? (user === undefined ? undefined : `user:${user.userId}`),
      upstream: attempt === undefined ? undefined : route?.upstream,
      // Only what went wrong: the answer is over before anyone can say that it went well.
      outcome: attempt?.outcome,
      replayed: attempt?.replayed === true ? true : undefined,
      // The caller did not stay for the whole answer.
      cut: response.writableFinished ? undefined : true,
    },
    'request',
  );
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']);

/** Methods are a label of a metric, so a caller may not invent new ones. */
export function knownMethod(method: string | undefined): string {
  return method !== undefined && METHODS.has(method) ? method : 'other';
}
