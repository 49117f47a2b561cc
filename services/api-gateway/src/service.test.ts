import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from '@centra/testkit/free-port.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { ROUTES } from './routes.ts';
import { writeKeys } from './testing/child-service.ts';
import { createCredentials, opening } from './testing/credentials.ts';
import type { Credentials } from './testing/credentials.ts';
import { startTestGateway } from './testing/gateway-under-test.ts';
import type { TestGateway } from './testing/gateway-under-test.ts';
import { bearer, call } from './testing/http-call.ts';
import { startRealAuth } from './testing/real-auth.ts';
import type { RealAuth } from './testing/real-auth.ts';
import { pathWithId, requestTo } from './testing/route-call.ts';
import { startUpstream } from './testing/upstream-double.ts';

let auth: RealAuth;
before(async () => {
  auth = await startRealAuth();
});
after(() => auth.stop());

test('SIGTERM: /ready says 503, requests under way finish with Connection: close, new connections are refused', async () => {
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(
    (_request, response) => void waiting.push(() => response.end('{"done":true}')),
  );
  const [port, opsPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      HTTP_PORT: String(port),
      OPS_PORT: String(opsPort),
      AUTH_GRPC_ADDRESS: auth.grpcAddress,
      PAYMENT_API_URL: upstream.url,
      DRAIN_DELAY_MS: '1000',
      ...writeKeys('api-gateway', auth.keys, join(auth.folder, 'drained')),
    },
  });
  const exited = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    const ready = `http://127.0.0.1:${opsPort}/ready`;
    await waitFor('the gateway to be ready', async () => {
      const answer = await call(ready).catch(() => undefined);
      return answer?.status === 200 ? true : undefined;
    });
    const { secret } = await auth.createKey();
    const url = `http://127.0.0.1:${port}/v1/payments`;
    const running = call(url, { headers: { ...bearer(secret), connection: 'keep-alive' } });
    await waitFor('the request to arrive', async () => (waiting.length === 1 ? true : undefined));
    child.kill('SIGTERM');
    await waitFor('/ready to turn', async () => ((await call(ready)).status === 503 ? true : undefined));
    const during = await call(`http://127.0.0.1:${port}/health`, { headers: { connection: 'keep-alive' } });
    assert.equal(during.status, 503);
    assert.equal(during.headers.connection, 'close');
    await waitFor('the listener to close', async () => {
      const socket = connect(port, '127.0.0.1');
      const outcome = await Promise.race([once(socket, 'connect'), once(socket, 'error')]).catch(
        () => 'refused',
      );
      socket.destroy();
      return outcome === 'refused' ? true : undefined;
    });
    assert.equal(child.exitCode, null, 'it waits for what is under way');
    for (const finish of waiting) finish();
    const answer = await running;
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '{"done":true}');
    assert.equal(answer.headers.connection, 'close');
    const [code] = await exited;
    assert.equal(code, 0);
    const lines = output.split('\n').filter((line) => line.includes('/v1/payments'));
    assert.equal(lines.length, 1, output);
    assert.match(lines[0] ?? '', /^\{.*"service":"api-gateway".*"route":"\/v1\/payments".*"status":200.*\}$/);
    assert.ok(!output.includes(secret.slice(-20)));
  } finally {
    child.kill('SIGKILL');
    await upstream.close();
  }
});

test('a missing signing key is one clear refusal to start', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SIGNING_KEY_FILE: '/nowhere/key.pem' },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = await once(child, 'exit');
  assert.equal(code, 1);
  assert.match(output, /cannot start: SIGNING_KEY_FILE names a file that cannot be read/);
});

describe('health', () => {
  test('the operators see which service is not ready; the public sees one word; /ready does not depend on services', async () => {
    const gateway = await startTestGateway(
      auth,
      {},
      { HEALTH_TARGETS: `auth=${auth.readyUrl}, other=http://127.0.0.1:1/ready` },
    );
    try {
      const ops = await call(`${gateway.opsUrl}/health`);
      assert.equal(ops.status, 503);
      assert.deepEqual(ops.json, {
        status: 'failing',
        checks: { auth: 'ok', other: 'does not answer' },
        limits: 'local',
      });
      const open = await call(`${gateway.url}/health`);
      assert.equal(open.status, 503);
      assert.deepEqual(open.json, { status: 'unavailable' });
      assert.equal((await call(`${gateway.opsUrl}/ready`)).status, 200);
    } finally {
      await gateway.close();
    }
  });

  test('all services ready: 200 and one word', async () => {
    const gateway = await startTestGateway(auth, {}, { HEALTH_TARGETS: `auth=${auth.readyUrl}` });
    try {
      const answer = await call(`${gateway.url}/health`);
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.json, { status: 'ok' });
      assert.equal((await call(`${gateway.opsUrl}/health`)).status, 200);
    } finally {
      await gateway.close();
    }
  });

  test('a thousand questions a second are one question to the services', async () => {
    const service = await startUpstream((_request, response) => void response.end('{}'));
    const gateway = await startTestGateway(auth, {}, { HEALTH_TARGETS: `service=${service.url}/ready` });
    try {
      const startedAt = performance.now();
      for (let round = 0; round < 10; round += 1)
        await Promise.all(Array.from({ length: 10 }, () => call(`${gateway.url}/health`)));
      const seconds = (performance.now() - startedAt) / 1000;
      assert.ok(service.seen.length <= Math.ceil(seconds) + 1, `${service.seen.length} in ${seconds} s`);
    } finally {
      await gateway.close();
      await service.close();
    }
  });
});

describe('row 14: what is for operators is 404 outside', () => {
  test('/metrics, /ready, /docs, /openapi.json', async () => {
    const gateway = await startTestGateway(auth, {});
    try {
      for (const path of [
        '/metrics',
        '/ready',
        '/docs',
        '/openapi.json',
        '/health/details',
        '/docs/',
        '/openapi.json?x',
      ])
        assert.equal((await call(gateway.url + path)).status, 404, path);
      for (const path of ['/metrics', '/ready', '/docs', '/openapi.json'])
        assert.equal((await call(gateway.opsUrl + path)).status, 200, path);
    } finally {
      await gateway.close();
    }
  });
});

describe('row 12: a fault inside is 500 with the request id, and says nothing of what happened', () => {
  let gateway: TestGateway;
  let credentials: Credentials;
  before(async () => {
    const origins = {
      isAllowed: async () =>
        await Promise.reject(new Error('select secret from db.internal:5432 (/srv/app.ts:1)')),
    };
    gateway = await startTestGateway(
      auth,
      {},
      { LIMIT_ADMIN_PER_SECOND: '1000', LIMIT_PERSON_PER_SECOND: '1000' },
      { origins },
    );
    credentials = await createCredentials(auth);
  });
  after(() => gateway.close());
  // What needs no credential is never anyone’s to read across origins, so nobody is asked about it.
  for (const route of ROUTES.filter((each) => each.door !== 'public'))
    test(`${route.method} ${route.path}`, async () => {
      const options = requestTo(route, opening(route.door, credentials));
      const headers = { ...options.headers, origin: 'https://hotel.example' };
      const answer = await call(gateway.url + pathWithId(route), { ...options, headers });
      assert.equal(answer.status, 500);
      assert.deepEqual(answer.json, {
        type: 'urn:centra-payments:error:internal',
        title: 'Something went wrong on our side.',
        status: 500,
        code: 'internal',
        request_id: answer.headers['x-request-id'],
      });
      const line = gateway.lines.find((each) => each['message'] === 'request failed');
      assert.match(String(line?.['raw']), /db\.internal/);
    });
});
