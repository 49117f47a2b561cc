import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { boundPort } from '@centra/service-kit/listen.ts';
import { freePort } from './free-port.ts';
import { startFaultProxy, targetOf } from './fault-proxy.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { pauseMs, waitFor } from './pause.ts';

/** A server that answers every message with its name and the message, and remembers what it has read. */
type Echo = { server: Server; port: number; sockets: Set<Socket>; read: () => string };

async function startEcho(name: string): Promise<Echo> {
  const sockets = new Set<Socket>();
  let read = '';
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      read += chunk.toString();
      socket.write(`${name}:${chunk.toString()}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: boundPort(server), sockets, read: () => read };
}

/** A client's connection: what it has read, and how it ended. */
type Client = {
  socket: Socket;
  said(): string;
  hears(text: string): Promise<void>;
  ended(): Promise<string>;
};

async function open(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1' });
  let said = '';
  let end: string | undefined;
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
  socket.on('error', (error: NodeJS.ErrnoException) => (end ??= error.code ?? 'error'));
  socket.on('close', () => (end ??= 'closed'));
  await waitFor('the connection', async () => (socket.connecting && end === undefined ? undefined : true));
  return {
    socket,
    said: () => said,
    hears: async (text) => void (await waitFor(text, async () => (said.includes(text) ? true : undefined))),
    ended: async () => await waitFor('the end', async () => end),
  };
}

async function ask(proxy: FaultProxy, text: string): Promise<Client> {
  const client = await open(proxy.port);
  client.socket.write(text);
  return client;
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

let one: Echo;
let two: Echo;
let proxy: FaultProxy;
beforeEach(async () => {
  one = await startEcho('one');
  two = await startEcho('two');
  proxy = await startFaultProxy({ targets: [{ host: '127.0.0.1', port: one.port }] });
});
afterEach(async () => {
  await proxy.close();
  for (const { server, sockets } of [one, two]) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

describe('without a fault', () => {
  test('bytes pass both ways, and an end of one side is an end of the other', async () => {
    const client = await ask(proxy, 'hello');
    await client.hears('one:hello');
    assert.equal(proxy.openConnections(), 1);
    client.socket.end();
    assert.equal(await client.ended(), 'closed');
    await waitFor('no connection', async () => (proxy.openConnections() === 0 ? true : undefined));
    assert.deepEqual(proxy.struck(), {});
  });

  test('new connections are spread over the targets, one that refuses is passed over, old ones stay', async () => {
    const old = await ask(proxy, 'a');
    await old.hears('one:a');
    const nobody = { host: '127.0.0.1', port: await freePort() };
    proxy.setTargets([nobody, { host: '127.0.0.1', port: one.port }, { host: '127.0.0.1', port: two.port }]);
    const names = new Set<string>();
    for (let count = 0; count < 6; count += 1) {
      const client = await ask(proxy, 'b');
      await client.hears(':b');
      names.add(client.said());
    }
    assert.deepEqual([...names].toSorted(), ['one:b', 'two:b']);
    old.socket.write('c');
    await old.hears('one:c');
    proxy.setTargets([nobody]);
    assert.equal(await (await ask(proxy, 'd')).ended(), 'ECONNRESET');
  });

  test('a client that does not read holds the target back instead of filling our memory', async () => {
    const bytes = 64 * 1024 * 1024;
    const source = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(Buffer.alloc(bytes, 'x'));
    });
    source.listen(0, '127.0.0.1');
    await once(source, 'listening');
    proxy.setTargets([{ host: '127.0.0.1', port: boundPort(source) }]);
    const before = process.memoryUsage().arrayBuffers;
    const socket = connect({ port: proxy.port, host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.pause();
    await pauseMs(500);
    // The source's own buffer is one half of what 64 MiB on both sides of a greedy proxy would be.
    assert.ok(process.memoryUsage().arrayBuffers - before < bytes * 1.5);
    let read = 0;
    socket.on('data', (chunk: Buffer) => (read += chunk.length));
    socket.resume();
    await once(socket, 'end');
    assert.equal(read, bytes);
    source.close();
  });

  test('an address keeps everything but its host and port', () => {
    assert.equal(
      proxy.through('postgres://me:pw@10.0.0.1:5432/db?a=1'),
      `postgres://me:pw@127.0.0.1:${proxy.port}/db?a=1`,
    );
    assert.equal(proxy.through('http://localhost:8080'), `http://127.0.0.1:${proxy.port}`);
    assert.equal(proxy.through('localhost:50051'), `127.0.0.1:${proxy.port}`);
    assert.deepEqual(targetOf('localhost:50051'), { host: 'localhost', port: 50051 });
    assert.deepEqual(targetOf('redis://127.0.0.1:6379'), { host: '127.0.0.1', port: 6379 });
  });
});

describe('delay and slow', () => {
  test('each chunk waits, both ways, and an end does not overtake it', async () => {
    proxy.set({ kind: 'delay', ms: 200 });
    const client = await open(proxy.port);
    const start = performance.now();
    client.socket.end('hello');
    await client.hears('one:hello');
    assert.ok(performance.now() - start >= 390);
    assert.equal(await client.ended(), 'closed');
    assert.equal(proxy.struck()['delay'], 2);
  });

  test('answers come in drops, whole, also when the target has gone since; cleared, the rest comes at once', async () => {
    proxy.set({ kind: 'slow', bytesPerSecond: 40 });
    const client = await open(proxy.port);
    client.socket.end('0123456789');
    await client.hears('one:');
    assert.ok(!client.said().includes('9'), client.said());
    await client.hears('one:0123456789');
    assert.equal(await client.ended(), 'closed');
    const other = await ask(proxy, 'x'.repeat(4_000));
    await other.hears('one:xx');
    proxy.clear();
    await other.hears('x'.repeat(4_000));
  });
});

describe('cut after the request', () => {
  test('the target reads the bytes, the client hears nothing and is reset; the next connection passes', async () => {
    proxy.set({ kind: 'cut-after-request' });
    const client = await ask(proxy, 'hello');
    assert.equal(await client.ended(), 'ECONNRESET');
    assert.equal(client.said(), '');
    await waitFor('the request', async () => (one.read() === 'hello' ? true : undefined));
    await (await ask(proxy, 'again')).hears('one:again');
    assert.deepEqual(proxy.struck(), { 'cut-after-request': 1 });
  });

  test('only bytes with the text are meant, also when it comes in two chunks, and as often as told', async () => {
    proxy.set({ kind: 'cut-after-request', match: 'COMMIT', times: 2 });
    for (let count = 0; count < 2; count += 1) {
      const client = await ask(proxy, 'begin;');
      await client.hears('begin;');
      client.socket.write('COM');
      await client.hears('COM');
      client.socket.write('MIT;');
      assert.equal(await client.ended(), 'ECONNRESET');
    }
    await (await ask(proxy, 'COMMIT')).hears('one:COMMIT');
  });
});

describe('reset, refuse, half-open', () => {
  test('a reset ends the connections of now, and new ones pass', async () => {
    const client = await ask(proxy, 'a');
    await client.hears('one:a');
    proxy.set({ kind: 'reset' });
    assert.equal(await client.ended(), 'ECONNRESET');
    await (await ask(proxy, 'b')).hears('one:b');
    assert.deepEqual(proxy.struck(), { reset: 1 });
  });

  test('a connection that is reset while its end is passed on is let go of as well', async () => {
    const before = openSockets();
    const source = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('all there is');
    });
    source.listen(0, '127.0.0.1');
    await once(source, 'listening');
    proxy.setTargets([{ host: '127.0.0.1', port: boundPort(source) }]);
    for (let count = 0; count < 20; count += 1) {
      const client = await open(proxy.port);
      client.socket.once('end', () => proxy.set({ kind: 'reset' }));
      client.socket.end();
      await client.ended();
      proxy.breakAll();
    }
    source.close();
    await waitFor('no socket left', async () => (openSockets() <= before ? true : undefined));
  });

  test('nobody is there until it is cleared', async () => {
    const client = await ask(proxy, 'a');
    await client.hears('one:a');
    proxy.set({ kind: 'refuse' });
    assert.equal(await client.ended(), 'ECONNRESET');
    assert.equal(await (await ask(proxy, 'b')).ended(), 'ECONNRESET');
    proxy.clear();
    await (await ask(proxy, 'c')).hears('one:c');
    assert.equal(one.read(), 'ac');
  });

  test('half open, nothing passes and nothing ends; cleared, those that lost bytes are reset, the others go on', async () => {
    const [asking, leaving, resting] = [await ask(proxy, 'a'), await ask(proxy, 'b'), await ask(proxy, 'c')];
    for (const [client, letter] of [
      [asking, 'a'],
      [leaving, 'b'],
      [resting, 'c'],
    ] as const)
      await client.hears(letter);
    proxy.set({ kind: 'half-open' });
    asking.socket.write('lost');
    leaving.socket.destroy();
    const late = await ask(proxy, 'late');
    await pauseMs(200);
    assert.deepEqual([asking.said(), late.said(), one.read(), one.sockets.size], ['one:a', '', 'abc', 3]);
    proxy.clear();
    assert.equal(await asking.ended(), 'ECONNRESET');
    assert.equal(await late.ended(), 'ECONNRESET');
    await waitFor('the end of the lost two', async () => (one.sockets.size === 1 ? true : undefined));
    resting.socket.write('d');
    await resting.hears('one:d');
  });

  test('a target that dies resets its clients', async () => {
    const client = await ask(proxy, 'a');
    await client.hears('one:a');
    for (const socket of one.sockets) socket.resetAndDestroy();
    assert.equal(await client.ended(), 'ECONNRESET');
  });
});
