import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createAuthority } from '@centra/testkit/certificates.ts';
import type { Authority, IssueOptions } from '@centra/testkit/certificates.ts';
import type { Dial } from './pinned-connection.ts';

/** Public by its number. Nothing is ever sent to it: `standIn` answers for it. */
export const PUBLIC_ADDRESS = '93.184.215.14';
export const HOST = 'hooks.hotel.example';

/** A receiver on this machine that counts every connection, and keeps what it was sent. */
export type Receiver = {
  port: number;
  ca: string;
  /** Connections that were accepted, whether or not anything came over them. */
  accepted(): number;
  /** Bytes that came in over all of them. */
  bytesRead(): number;
  received: { url: string; headers: IncomingHttpHeaders; body: string }[];
  close(): Promise<void>;
};

export type Answer = (response: ServerResponse) => void;

/** Starts one over TLS with a certificate for `HOST`, or plain. */
export async function startReceiver(
  answer: Answer = (response) => void response.end('ok'),
  options: { plain?: boolean; certificate?: IssueOptions; authority?: Authority } = {},
): Promise<Receiver> {
  const authority = options.authority ?? createAuthority();
  const received: Receiver['received'] = [];
  const handle: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      received.push({ url: request.url ?? '', headers: request.headers, body });
      answer(response);
    });
  };
  const issued = authority.issue('receiver', { hosts: [HOST], ...options.certificate });
  const server = options.plain === true ? createHttpServer(handle) : createHttpsServer(issued, handle);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: boundTo(server.address()),
    ca: authority.cert,
    accepted: () => sockets.size,
    bytesRead: () => [...sockets].reduce((sum, socket) => sum + socket.bytesRead, 0),
    received,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function boundTo(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the receiver does not listen');
  return address.port;
}

/** What was dialled, in order. */
export type Dialled = { host: string; port: number }[];

/**
 * Stands in for the internet: whoever dials the public address reaches the receiver, and its socket says that it is at
 * the address that was dialled. Every other address is dialled as it is, on the receiver's port, so that a connection which
 * should not be made would be accepted there and counted.
 */
export function standIn(receiver: { port: number }): { dial: Dial; dialled: Dialled } {
  const dialled: Dialled = [];
  const dial: Dial = ({ host, port }) => {
    dialled.push({ host, port });
    if (host !== PUBLIC_ADDRESS) return connect({ host, port: receiver.port });
    const socket = connect({ host: '127.0.0.1', port: receiver.port });
    Object.defineProperty(socket, 'remoteAddress', { get: () => host });
    return socket;
  };
  return { dial, dialled };
}
