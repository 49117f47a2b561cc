import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, Metadata, status } from '@grpc/grpc-js';
import type { handleUnaryCall } from '@grpc/grpc-js';
import { Client as PostgresClient } from 'pg';
import { createClient, listenGrpc } from '@centra/service-kit/grpc.ts';
import { boundPort } from '@centra/service-kit/listen.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { startFaultProxy, targetOf } from './fault-proxy.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { testTls } from './test-tls.ts';

async function connected(url: string): Promise<PostgresClient> {
  const client = new PostgresClient({ connectionString: url });
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

const plain = (bytes: Buffer): Buffer => bytes;
const ACT = {
  path: '/test.Door/Act',
  requestStream: false,
  responseStream: false,
  requestSerialize: plain,
  requestDeserialize: plain,
  responseSerialize: plain,
  responseDeserialize: plain,
} as const;

test('the lost answer of a gRPC call over TLS: pings and acknowledgements are not an answer', async () => {
  const acted: string[] = [];
  const act: handleUnaryCall<Buffer, Buffer> = ({ request }, callback) => {
    // Acts late: pings and their acknowledgements are long through by then.
    setTimeout(
      () => {
        acted.push(request.toString());
        callback(null, Buffer.from('done, with a few words about it'));
      },
      request.includes('slowly') ? 500 : 0,
    );
  };
  const server = await listenGrpc([{ definition: { act: ACT }, implementation: { act } }], {
    host: '127.0.0.1',
    port: 0,
    tls: testTls('auth'),
  });
  const proxy = await startFaultProxy({ targets: [{ host: '127.0.0.1', port: server.port }] });
  const client = createClient(Client, `127.0.0.1:${proxy.port}`, {
    tls: testTls('operator'),
    server: 'auth',
    options: { 'grpc.keepalive_time_ms': 50, 'grpc.use_local_subchannel_pool': 1 },
  });
  const call = async (text: string): Promise<string> =>
    await new Promise((resolve) => {
      const options = { deadline: Date.now() + 20_000 };
      client.makeUnaryRequest(ACT.path, plain, plain, Buffer.from(text), new Metadata(), options, (error) =>
        resolve(error === null ? 'answered' : (status[error.code] ?? '')),
      );
    });
  try {
    assert.equal(await call('at once'), 'answered');
    proxy.set({ kind: 'lose-reply' });
    assert.equal(await call('slowly'), 'UNAVAILABLE');
    assert.deepEqual(acted, ['at once', 'slowly']);
    assert.equal(await call('again'), 'answered');
    assert.deepEqual(proxy.struck(), { 'lose-reply': 1 });
  } finally {
    client.close();
    await proxy.close();
    await server.close();
  }
});
