import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { waitFor } from '@centra/testkit/pause.ts';
import { boundPort, listen } from './listen.ts';
import type { Listening } from './listen.ts';

const LOCAL = { host: '127.0.0.1', port: 0 };
const REQUEST = 'GET / HTTP/1.1\r\nhost: kit.test\r\n\r\n';

test('port 0 takes a free port, which the URL names', async () => {
  const server = await listen((_request, response) => response.end('hello'), LOCAL);
  assert.equal(server.port, boundPort(server.server));
  assert.equal(await (await fetch(server.url)).text(), 'hello');
  await server.close();
});

test('a port that is taken is an error of the start', async () => {
  const first = await listen((_request, response) => response.end(), LOCAL);
  await assert.rejects(
    listen((_request, response) => response.end(), { ...LOCAL, port: first.port }),
    /EADDRINUSE/,
  );
  await first.close();
});

describe('a stop', () => {
  test('lets the request under way finish, closes idle connections, and takes no new ones', async () => {
    const held = holdRequests();
    const server = await listen(held.handler, LOCAL);
    const agent = new Agent({ keepAlive: true });
    // One connection idle after an answer, one with a request under way.
    const idle = await openConnection(server);
    idle.socket.write(REQUEST);
    await held.release();
    await waitFor('the first answer', async () => (idle.text().includes('answer') ? true : undefined));
    const underWay = new Promise<IncomingMessage>((done, failed) =>
      get(server.url, { agent }, done).on('error', failed),
    );
    await held.arrival();
    const closing = server.close();
    await idle.closed;
    await assert.rejects(openConnection(server), /ECONNREFUSED/);
    await held.release();
    const answer = await underWay;
    assert.equal(answer.statusCode, 200);
    assert.equal((await answer.toArray()).join(''), 'answer');
    await closing;
    agent.destroy();
  });

  test('does not wait for a connection that never asked anything', async () => {
    const server = await listen((_request, response) => response.end(), LOCAL);
    const silent = await openConnection(server);
    // The server has seen it once it has answered another one.
    await (await fetch(server.url)).text();
    const startedAt = Date.now();
    await server.close();
    await silent.closed;
    // Otherwise it would be the drain's whole limit of 20 s.
    assert.ok(Date.now() - startedAt < 15_000);
  });

  test('may be asked twice', async () => {
    const server = await listen((_request, response) => response.end(), LOCAL);
    await Promise.all([server.close(), server.close()]);
  });
});

describe('a peer that sends', () => {
  test('headers over 16 KiB is answered 431', async () => {
    const server = await listen((_request, response) => response.end(), LOCAL);
    const peer = await openConnection(server);
    peer.socket.write(`GET / HTTP/1.1\r\nhost: kit.test\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`);
    await peer.closed;
    assert.match(peer.text(), /^HTTP\/1\.1 431 /);
    await server.close();
  });

  test('what two parties could read differently is answered 400 and cut off', async () => {
    const server = await listen(
      (request, response) => void request.resume().on('end', () => response.end('taken')),
      LOCAL,
    );
    const smuggled = 'GET /smuggled HTTP/1.1\r\nhost: kit.test\r\n\r\n';
    const heads: Record<string, string> = {
      'content length and chunks':
        'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'two content lengths': 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\ncontent-length: 5\r\n\r\n',
      'a signed content length': 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\nx',
      'a negative content length': 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n',
      'a space before the colon': 'GET / HTTP/1.1\r\nhost: a\r\ncontent-length : 5\r\n\r\n',
      'a folded header': 'GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n folded\r\n\r\n',
      'an unknown transfer encoding':
        'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n',
      'a bare line feed': 'GET / HTTP/1.1\nhost: a\n\n',
      'no host': 'GET / HTTP/1.1\r\n\r\n',
    };
    for (const [what, head] of Object.entries(heads)) {
      const peer = await openConnection(server);
      peer.socket.write(head + smuggled);
      await peer.closed;
      assert.match(peer.text(), /^HTTP\/1\.1 400 /, what);
      assert.doesNotMatch(peer.text(), /taken/, what);
    }
    await server.close();
  });

  test('its headers or its body too slowly is answered 408', async () => {
    const server = await listen((request, response) => {
      request.on('error', () => {});
      request.resume().on('end', () => response.end());
    }, LOCAL);
    const [slowHead, slowBody] = await Promise.all([openConnection(server), openConnection(server)]);
    slowHead.socket.write('GET / HTTP/1.1\r\nhost: kit.test\r\nx-one: 1\r\n');
    slowBody.socket.write('POST / HTTP/1.1\r\nhost: kit.test\r\ncontent-length: 100\r\n\r\nabc');
    // Node's own limits are 10 s for headers and 15 s for the whole request; this only waits until both are over.
    await Promise.all([slowHead.closed, slowBody.closed]);
    for (const peer of [slowHead, slowBody]) assert.match(peer.text(), /^HTTP\/1\.1 408 /);
    await server.close();
  });
});

type Held = { handler: RequestListener; arrival(): Promise<void>; release(): Promise<void> };

/** A handler whose answers wait until they are released. */
function holdRequests(): Held {
  const waiting: (() => void)[] = [];
  const arrival = async (): Promise<void> =>
    await waitFor('a request to arrive', async () => (waiting.length > 0 ? true : undefined)).then(() => {});
  return {
    handler: (_request, response) => void waiting.push(() => response.end('answer')),
    arrival,
    async release() {
      await arrival();
      waiting.shift()?.();
    },
  };
}

type Connection = { socket: Socket; closed: Promise<void>; text(): string };

async function openConnection(server: Listening): Promise<Connection> {
  const socket = connect(server.port, server.host);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, 'connect');
  // A server that cuts us off may reset the connection.
  socket.on('error', () => {});
  const closed = new Promise<void>((done) => socket.once('close', () => done()));
  return { socket, closed, text: () => text };
}
