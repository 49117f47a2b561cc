import { once } from 'node:events';
import { createServer } from 'node:net';
import { boundPort } from '@centra/service-kit/listen.ts';

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = boundPort(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** `wanted` when nobody listens there, else a free one. */
export async function freePortOr(wanted: number): Promise<number> {
  const server = createServer();
  const bound = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(wanted, '127.0.0.1', () => resolve(true));
  });
  if (!bound) return await freePort();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return wanted;
}
