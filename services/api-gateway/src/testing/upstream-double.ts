import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { listen } from '@centra/service-kit/listen.ts';

export type Seen = { method: string; url: string; headers: IncomingHttpHeaders; body: string; bytes: Buffer };
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  seen: Seen,
) => void | Promise<void>;

/** A service behind the gateway, for tests whose subject is the gateway's own conduct. Notes what reached it. */
export type UpstreamDouble = {
  url: string;
  port: number;
  seen: Seen[];
  /** Requests that were cut before their body was whole. */
  cut: number;
  answerWith(handler: Handler): void;
  close(): Promise<void>;
};

const echo: Handler = (_request, response, seen) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ method: seen.method, url: seen.url, body: seen.body }));
};

export async function startUpstream(first: Handler = echo, port = 0): Promise<UpstreamDouble> {
  let handler = first;
  const double: UpstreamDouble = {
    url: '',
    port: 0,
    seen: [],
    cut: 0,
    answerWith: (next) => (handler = next),
    close: async () => {
      listening.server.closeAllConnections();
      await listening.close();
    },
  };
  const listening = await listen(
    (request, response) => {
      void readBody(request).then(
        async (bytes) => {
          const seen = {
            method: request.method ?? '',
            url: request.url ?? '',
            headers: request.headers,
            body: bytes.toString('utf8'),
            bytes,
          };
          double.seen.push(seen);
          await handler(request, response, seen);
        },
        () => {
          double.cut += 1;
        },
      );
    },
    { host: '127.0.0.1', port },
  );
  double.url = listening.url;
  double.port = listening.port;
  return double;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
