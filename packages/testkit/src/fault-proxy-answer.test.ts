import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from 'pg';
import { boundPort } from '@centra/service-kit/listen.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { startFaultProxy, targetOf } from './fault-proxy.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

test('the lost answer of a COMMIT: the row is stored, and the client only sees a lost connection', async () => {
  const folder = temporaryFolder('fault-proxy');
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'data') });
  const proxy = await startFaultProxy({ targets: [targetOf(postgres.url)] });
  const direct = await connected(postgres.url);
  try {
    await direct.query('create table rows (id int primary key, filling text)');
    const client = await connected(proxy.through(postgres.url));
    await client.query('begin');
    await client.query('insert into rows values (1)');
    proxy.set({ kind: 'lose-reply', match: 'commit' });
    await assert.rejects(client.query('commit'), /ECONNRESET|terminated/);
    assert.deepEqual((await direct.query('select id from rows')).rows, [{ id: 1 }]);

    // A statement by its name, whose answer comes in many pieces: all of them are thrown away, and it is done to its end.
    const other = await connected(proxy.through(postgres.url));
    proxy.set({ kind: 'lose-reply', match: 'insert-many' });
    const text = `insert into rows select n, repeat('Z', 500) from generate_series(2, 5000) n returning *`;
    await assert.rejects(other.query({ name: 'insert-many', text }), /ECONNRESET|terminated/);
    assert.deepEqual((await direct.query('select count(*)::int as count from rows')).rows, [
      { count: 5_000 },
    ]);
    assert.deepEqual(proxy.struck(), { 'lose-reply': 2 });
  } finally {
    await direct.end();
    await proxy.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the lost answer of an HTTP request: the server has acted, the client sees a reset', async () => {
  const acted: string[] = [];
  const server = createServer((request, response) => {
    acted.push(request.url ?? '');
    response.end('done');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startFaultProxy({ targets: [{ host: '127.0.0.1', port: boundPort(server) }] });
  try {
    proxy.set({ kind: 'lose-reply', match: 'POST /act' });
    assert.equal(await (await fetch(`http://127.0.0.1:${proxy.port}/other`)).text(), 'done');
    await assert.rejects(fetch(`http://127.0.0.1:${proxy.port}/act`, { method: 'POST' }));
    assert.deepEqual(acted, ['/other', '/act']);
  } finally {
    await proxy.close();
    server.close();
  }
});

test('the lost answer of a call over HTTP/2: settings and acknowledgements are not an answer', async () => {
  let acted = '';
  const server = createHttp2Server();
  server.on('stream', (stream) => {
    stream.on('data', (chunk: Buffer) => (acted += chunk.toString()));
    // Acts late: the acknowledgements of the connection are long through by then.
    stream.on('end', () => {
      setTimeout(() => {
        acted += ' done';
        stream.respond({ ':status': 200 });
        stream.end('answer');
      }, 100);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const proxy = await startFaultProxy({ targets: [{ host: '127.0.0.1', port: address.port }] });
  const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
  session.on('error', () => {});
  try {
    proxy.set({ kind: 'lose-reply', match: 'operation-7' });
    const stream = session.request({ ':method': 'POST', ':path': '/call' });
    const ended = new Promise<string>((resolve) => {
      stream.on('response', () => resolve('answered'));
      stream.on('error', () => resolve('lost'));
      stream.on('close', () => resolve('lost'));
    });
    stream.end('operation-7');
    assert.equal(await ended, 'lost');
    assert.equal(acted, 'operation-7 done');
  } finally {
    session.destroy();
    await proxy.close();
    server.close();
  }
});
