import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { test } from 'node:test';
import { freePort, freePortOr } from './free-port.ts';

test('a free port can be listened on', async () => {
  const server = await listenOn(await freePort(), '127.0.0.1');
  server.close();
});

test('the wanted port is given when nobody listens there', async () => {
  const wanted = await freePort();
  assert.equal(await freePortOr(wanted), wanted);
  // Asking does not take it.
  assert.equal(await freePortOr(wanted), wanted);
});

test('another port is given when somebody listens on the wanted one, on loopback or on every address', async () => {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const wanted = await freePort();
    const server = await listenOn(wanted, host);
    const given = await freePortOr(wanted);
    assert.notEqual(given, wanted, host);
    (await listenOn(given, '127.0.0.1')).close();
    server.close();
  }
});

async function listenOn(port: number, host: string): Promise<Server> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  return server;
}

test('callers at the same time get different ports, outside the range of outgoing connections', async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, async () => await freePort()));
  assert.equal(new Set(ports).size, 200);
  assert.ok(ports.every((port) => port < 32_768));
});
