import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { once } from 'node:events';
import type { Server as NetServer, Socket } from 'node:net';

export type Listening = { server: Server; host: string; port: number; url: string; close(): Promise<void> };

// The whole request, headers and body, must arrive within this (security-tests row 9); Node then answers 408 itself.
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 10_000;
// Above the 60 s idle time of common load balancers, so that the balancer closes first and never writes to a closed socket.
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const HEADERS_MAX_BYTES = 16 * 1024;
// Slow headers and bodies are looked for this often, which bounds how late the 408 comes.
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;
// Requests under way at a stop get this long before their sockets are cut.
const DRAIN_TIMEOUT_MS = 20_000;

/** Serves HTTP with limits on everything a slow or hostile peer could hold. Port 0 takes a free one. */
export async function listen(
  handler: RequestListener,
  address: { host: string; port: number },
): Promise<Listening> {
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      maxHeaderSize: HEADERS_MAX_BYTES,
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
      insecureHTTPParser: false,
      requireHostHeader: true,
    },
    handler,
  );
  const silent = trackSilent(server);
  server.listen(address.port, address.host);
  await once(server, 'listening');
  const port = boundPort(server);
  return {
    server,
    host: address.host,
    port,
    url: `http://${address.host}:${port}`,
    close: () => drain(server, silent),
  };
}

/** The port a listening TCP server is bound to. */
export function boundPort(server: NetServer): number {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('the server does not listen on a port');
  return address.port;
}

/** The connections that have not asked anything yet; Node does not count these as idle. */
function trackSilent(server: Server): Set<Socket> {
  const silent = new Set<Socket>();
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', (request) => silent.delete(request.socket));
  return silent;
}

async function drain(server: Server, silent: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Load balancers open connections ahead of use; they would hold the stop for the whole limit.
  for (const socket of silent) if (socket.bytesRead === 0) socket.destroy();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), DRAIN_TIMEOUT_MS);
  // Connections that become idle after their last answer would otherwise stay open for the keep-alive time.
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  await closed;
  clearTimeout(timer);
  clearInterval(sweep);
}
