import { Agent } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { createProxyMiddleware } from 'http-proxy-middleware';
import type { Plugin } from 'http-proxy-middleware';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import { BODY_MAX_BYTES } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { exchangeOf } from '../edge/exchange.ts';
import type { UpstreamConfig } from '../config.ts';
import { cut, newAttempt } from './attempt.ts';
import type { Attempt, Outcome } from './attempt.ts';
import { keepAnswerHeaders } from './passed-headers.ts';

export type Proxy = {
  /** Streams the request to the upstream and its answer back; resolves when the answer is out or cannot come. */
  pass(request: IncomingMessage, response: ServerResponse): Promise<Outcome>;
  close(): void;
};

// A service of ours accepts within a millisecond; one that does not is gone, and nothing was sent to it.
const CONNECT_TIMEOUT_MS = 1_500;
// Connections kept for the next request. More than this at rest are only memory.
const IDLE_SOCKETS_MAX = 256;

type Parts = { lifecycle: Context['lifecycle']; failpoint: Failpoint };

export function createProxy(config: UpstreamConfig, parts: Parts): Proxy {
  // No limit of sockets here: the upstream's concurrency limit is in front, and refuses instead of queueing.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_SOCKETS_MAX });
  const forward = createProxyMiddleware({
    target: config.url,
    agent,
    // The default plugins write their own error pages and log full URLs.
    ejectPlugins: true,
    plugins: [followAttempts(parts)],
  });
  return {
    async pass(request, response) {
      const attempt = newAttempt();
      exchangeOf(request).attempt = attempt;
      const deadline = setTimeout(
        () => {
          cut(attempt, 'late');
          // An answer that stopped half-way cannot be ended properly any more.
          if (response.headersSent) response.destroy();
        },
        exchangeOf(request).route?.timeoutMs ?? config.timeoutMs,
      );
      try {
        await forward(request, response, (error) => {
          if (error !== undefined) attempt.outcome ??= attempt.sent ? 'broken' : 'unreachable';
        });
      } finally {
        clearTimeout(deadline);
      }
      attempt.outcome ??= response.writableFinished ? 'answered' : 'abandoned';
      return attempt.outcome;
    },
    close: () => agent.destroy(),
  };
}

/** Notes on the attempt what the proxy reports. Without a listener for `error` the process would end. */
function followAttempts({ lifecycle, failpoint }: Parts): Plugin {
  return (server) => {
    server.on('proxyReq', (outgoing, request) => {
      const attempt = attemptOf(request);
      if (attempt === undefined) return;
      attempt.outgoing = outgoing;
      watchConnection(outgoing, attempt);
      // A declared length was checked before, and Node holds the caller to it.
      if (request.headers['transfer-encoding'] !== undefined) boundBody(request, attempt);
    });
    server.on('proxyRes', (answer, request, response) => {
      const attempt = attemptOf(request);
      if (attempt === undefined) return;
      failpoint('gateway.after-answer');
      const status = answer.statusCode ?? 0;
      if (status >= 500)
        attempt.outcome ??= status === 503 && answer.headers['retry-after'] !== undefined ? 'shed' : 'failed';
      attempt.replayed = answer.headers['idempotent-replayed'] === 'true';
      answer.headers = keepAnswerHeaders(answer.headers, {
        keepAlive: !lifecycle.draining && response.shouldKeepAlive,
        isPage: exchangeOf(request).route?.page === true,
        isPicture: exchangeOf(request).route?.picture === true,
      });
    });
    server.on('error', (_error, request, response) => {
      const attempt = request === undefined ? undefined : attemptOf(request);
      if (attempt === undefined) return;
      const isGone = response !== undefined && 'destroyed' in response && response.destroyed;
      attempt.outcome ??= isGone ? 'abandoned' : attempt.sent ? 'broken' : 'unreachable';
    });
    server.on('econnreset', (_error, request) => {
      const attempt = attemptOf(request);
      if (attempt !== undefined) attempt.outcome ??= 'abandoned';
    });
  };
}

function attemptOf(request: IncomingMessage): Attempt | undefined {
  return exchangeOf(request).attempt;
}

function watchConnection(outgoing: ClientRequest, attempt: Attempt): void {
  const { socket } = outgoing;
  if (socket === null || !socket.connecting) {
    attempt.sent = true;
    return;
  }
  const timer = setTimeout(() => cut(attempt, 'unreachable'), CONNECT_TIMEOUT_MS);
  socket.once('connect', () => {
    attempt.sent = true;
    clearTimeout(timer);
  });
  socket.once('close', () => clearTimeout(timer));
}

/** Counts the bytes of a body of undeclared length while they stream. */
function boundBody(request: IncomingMessage, attempt: Attempt): void {
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > BODY_MAX_BYTES) cut(attempt, 'oversized');
  });
}
