import { STATUS_CODES } from 'node:http';
import type { Server } from 'node:http';
import { Socket } from 'node:net';
import { AppError, ERRORS, toProblem } from '@centra/service-kit/errors.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { latestAnswerOn, newRequestId } from './exchange.ts';
import { METHODS_ALLOWED } from './refuse-malformed.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

// Each open connection costs about 10 KiB; more than this is an attack or a missing load balancer.
const CONNECTIONS_MAX = 20_000;

/** Answers what never becomes a request: unreadable, too slow or too large headers, and CONNECT. */
export function refuseRawConnections(server: Server, context: Context): void {
  server.maxConnections = CONNECTIONS_MAX;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const answer = socket instanceof Socket ? latestAnswerOn(socket) : undefined;
    // An answer has begun, or nobody is there to read one.
    const isBusy = answer !== undefined && answer.headersSent && !answer.writableFinished;
    if (!socket.writable || isBusy) socket.destroy();
    else refuse(context, socket, toErrorCode(error.code));
  });
  server.on('connect', (_request, socket) => {
    // Once taken out of the parser's hands, a socket has nobody else who listens for its errors.
    socket.on('error', () => socket.destroy());
    refuse(context, socket, 'method_not_allowed', { allow: METHODS_ALLOWED });
  });
}

function toErrorCode(code: string | undefined): ErrorCode {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'headers_too_large';
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 'payload_too_large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout';
    default:
      return 'malformed_request';
  }
}

type Writable = NodeJS.WritableStream & { destroySoon?: () => void; remoteAddress?: string };

function refuse(
  context: Context,
  socket: Writable,
  code: ErrorCode,
  headers: Record<string, string> = {},
): void {
  const requestId = newRequestId();
  const { http: status } = ERRORS[code];
  const body = JSON.stringify(toProblem(new AppError(code), requestId));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
    ...[...SECURITY_HEADERS, ...Object.entries(headers)].map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // Half-closing is not enough: the peer could keep its side open for ever.
  socket.destroySoon?.();
  context.metrics.requestSeconds.observe({ route: 'unreadable', method: 'other', status: String(status) }, 0);
  context.log.info({ requestId, route: 'unreadable', status, address: socket.remoteAddress }, 'request');
}
