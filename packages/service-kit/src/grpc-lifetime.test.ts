import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { Client, status as grpcStatus } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { clientAs, testTls, testTlsFiles } from '@centra/testkit/test-tls.ts';
import { fromServiceError, listenGrpc } from './grpc.ts';
import { boundPort } from './listen.ts';
import { clientOf, failureOf, held, startServer, validate } from './test-rpc.ts';

describe('a lost or late call', () => {
  test('is UNAVAILABLE when nobody listens', async () => {
    const server = await startServer();
    await server.close();
    const client = clientOf(server.port);
    const error = await failureOf(validate(client, 'key_1'));
    assert.equal(error.code, grpcStatus.UNAVAILABLE);
    assert.equal(fromServiceError(error).code, 'unavailable');
    client.close();
  });

  test('is UNAVAILABLE when the peer dies while it works', async () => {
    // Its machine is gone: the connection ends without a word of HTTP/2.
    const sockets: Socket[] = [];
    const { certFile, keyFile, caFile } = testTlsFiles('auth');
    const [cert, key, ca] = [certFile, keyFile, caFile].map((file) => readFileSync(file));
    const options = { cert, key, ca, requestCert: true };
    const peer = createSecureServer(options, (_request) =>
      sockets.forEach((socket) => socket.resetAndDestroy()),
    );
    peer.on('connection', (socket: Socket) => sockets.push(socket));
    peer.listen(0, '127.0.0.1');
    await once(peer, 'listening');
    const client = clientOf(boundPort(peer));
    try {
      const error = await failureOf(validate(client, 'key_1'));
      assert.equal(error.code, grpcStatus.UNAVAILABLE);
      assert.equal(fromServiceError(error).code, 'unavailable');
    } finally {
      client.close();
      peer.close();
    }
  });

  test('is DEADLINE_EXCEEDED when the answer takes longer than its deadline', async () => {
    const server = await startServer();
    const client = clientOf(server.port);
    await validate(client, 'connected');
    const error = await failureOf(validate(client, 'hold', undefined, 300));
    assert.equal(error.code, grpcStatus.DEADLINE_EXCEEDED);
    held.splice(0).forEach((release) => release());
    client.close();
    await server.close();
  });
});

describe('a stop', () => {
  test('tells watchers of its health, finishes the call under way, and takes no new ones', async () => {
    const server = await startServer();
    const client = clientOf(server.port);
    const health = watchHealth(server.port);
    await waitFor('the first word on health', async () => (health.seen.length > 0 ? true : undefined));
    const underWay = validate(client, 'hold');
    await waitFor('the call to arrive', async () => (held.length > 0 ? true : undefined));
    const closing = server.close();
    await waitFor('the word on the stop', async () => (health.seen.length > 1 ? true : undefined));
    assert.deepEqual(health.seen, ['SERVING', 'NOT_SERVING']);
    health.stop();
    let closed = false;
    void closing.then(() => (closed = true));
    await pauseMs(100);
    assert.equal(closed, false);
    held.splice(0).forEach((release) => release());
    assert.equal((await underWay).apiKeyId, 'hold');
    await closing;
    const late = clientOf(server.port);
    assert.equal((await failureOf(validate(late, 'key_1'))).code, grpcStatus.UNAVAILABLE);
    for (const open of [client, late]) open.close();
  });

  test('a port that is taken is an error of the start', async () => {
    const server = await startServer();
    const second = listenGrpc([], { host: '127.0.0.1', port: server.port, tls: testTls('auth') });
    await assert.rejects(second, /EADDRINUSE|No address added/);
    await server.close();
  });
});

type HealthWatch = { seen: string[]; stop(): void };

/** Follows the standard health service, as load balancers do. */
function watchHealth(port: number): HealthWatch {
  const client = clientAs('operator', Client, `127.0.0.1:${port}`, 'auth');
  const method = healthService['Watch'];
  assert.ok(method !== undefined);
  const seen: string[] = [];
  const stream = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    { service: '' },
  );
  stream.on('data', (word: object) => seen.push(String(Reflect.get(word, 'status'))));
  stream.on('error', () => {});
  return {
    seen,
    stop() {
      stream.cancel();
      client.close();
    },
  };
}
