import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { createAuthority } from '@centra/testkit/certificates.ts';
import { AgentBusyError, createGuardedAgent } from './guarded-agent.ts';
import type { AgentOptions, CallOutcome } from './guarded-agent.ts';
import type { NameResolver } from './resolve-name.ts';
import { HOST, PUBLIC_ADDRESS, standIn, startReceiver } from './test-internet.ts';
import type { Answer, Receiver } from './test-internet.ts';

const opened: { close(): Promise<void> }[] = [];
after(async () => {
  for (const each of opened) await each.close();
});
const receiver = async (...given: Parameters<typeof startReceiver>): Promise<Receiver> => {
  const started = await startReceiver(...given);
  opened.push(started);
  return started;
};

const CALL = { headers: { 'content-type': 'application/json', 'webhook-id': 'evt_1' }, body: '{"a":"é"}' };
const publicName: NameResolver = {
  resolve4: () => Promise.resolve([PUBLIC_ADDRESS]),
  resolve6: () => Promise.reject(Object.assign(new Error('none'), { code: 'ENODATA' })),
};

/** Calls the receiver as if it stood on the internet. */
async function call(to: Receiver, options: AgentOptions = {}, path = '/in?a=1'): Promise<CallOutcome> {
  const agent = createGuardedAgent({ resolver: publicName, ca: to.ca, ...standIn(to), ...options });
  return await agent.post(`https://${HOST}${path}`, CALL);
}

test('a call reaches the name’s checked address on 443 with Host, path, body and nothing of ours besides', async () => {
  const to = await receiver();
  const { dial, dialled } = standIn(to);
  assert.deepEqual(await call(to, { dial }), { result: 'delivered', status: 200 });
  assert.deepEqual(dialled, [{ host: PUBLIC_ADDRESS, port: 443 }]);
  const [got] = to.received;
  assert.deepEqual([got?.url, got?.body], ['/in?a=1', CALL.body]);
  assert.deepEqual(got?.headers, {
    ...CALL.headers,
    host: HOST,
    connection: 'close',
    'accept-encoding': 'identity',
    'content-length': String(Buffer.byteLength(CALL.body)),
  });
});

test('each call opens a connection of its own and closes it', async () => {
  const to = await receiver();
  const agent = createGuardedAgent({ resolver: publicName, ca: to.ca, ...standIn(to) });
  for (let count = 0; count < 3; count += 1) await agent.post(`https://${HOST}/`, CALL);
  assert.equal(to.accepted(), 3);
});

test('no proxy of the environment is asked, and no setting of it switches certificates off', async () => {
  const to = await receiver();
  const proxy = await receiver(undefined, { plain: true });
  const before = { ...process.env };
  const url = `http://127.0.0.1:${proxy.port}`;
  Object.assign(process.env, { HTTPS_PROXY: url, https_proxy: url, ALL_PROXY: url, HTTP_PROXY: url });
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  try {
    assert.deepEqual(await call(to), { result: 'delivered', status: 200 });
    assert.deepEqual(await call(to, { ca: createAuthority().cert }), { result: 'failed', reason: 'tls' });
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  }
  assert.equal(proxy.accepted(), 0);
});

describe('40: what a hostile receiver answers', () => {
  for (const status of [200, 201, 204, 299])
    test(`${status} is delivered`, async () => {
      const to = await receiver((response) => void response.writeHead(status).end());
      assert.deepEqual(await call(to), { result: 'delivered', status });
    });

  for (const status of [400, 404, 410, 429, 500, 503])
    test(`${status} is failed`, async () => {
      const to = await receiver((response) => void response.writeHead(status).end('no'));
      assert.deepEqual(await call(to), { result: 'failed', reason: 'status', status });
    });

  for (const status of [300, 301, 302, 303, 304, 307, 308])
    test(`${status} to somewhere inside is failed and not followed`, async () => {
      const inside = await receiver(undefined, { plain: true });
      const location = `http://127.0.0.1:${inside.port}/`;
      const to = await receiver((response) => void response.writeHead(status, { location }).end());
      assert.deepEqual(await call(to), { result: 'failed', reason: 'redirect', status });
      assert.equal(to.received.length, 1);
      assert.equal(inside.accepted(), 0);
    });

  test('an endless body is cut after 64 KiB and what it said first counts', async () => {
    let written = 0;
    const to = await receiver((response) => {
      const chunk = Buffer.alloc(16 * 1024, 'x');
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    assert.deepEqual(await call(to), { result: 'delivered', status: 200 });
    // Buffers of the kernel on both sides may hold some of it.
    assert.ok(written < 32 * 1024 * 1024, `${written} bytes were taken`);
  });

  test('a compressed body is not unfolded, and not asked for', async () => {
    const to = await receiver((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.alloc(100, 0x1f));
    });
    assert.deepEqual(await call(to), { result: 'delivered', status: 200 });
  });

  const slow: [string, Answer, string][] = [
    ['no answer at all', () => {}, 'timeout'],
    ['headers and then nothing', (response) => response.writeHead(200).flushHeaders(), 'too_slow'],
    ['a byte now and then', drip, 'too_slow'],
    ['endless hints before the answer', hint, 'timeout'],
  ];
  for (const [what, answer, reason] of slow)
    test(`${what}: failed when its time is over`, async () => {
      const to = await receiver(answer);
      const startedAt = performance.now();
      assert.deepEqual(await call(to, { totalTimeoutMs: 1_000 }), { result: 'failed', reason });
      // Half of the default: it was the limit that ended it, on a slow machine too.
      assert.ok(performance.now() - startedAt < 5_000);
    });

  test('headers over 16 KiB are failed', async () => {
    const to = await receiver((response) => void response.writeHead(200, { big: 'x'.repeat(20_000) }).end());
    assert.deepEqual(await call(to), { result: 'failed', reason: 'connection' });
  });
});

function drip(response: Parameters<Answer>[0]): void {
  const timer = setInterval(() => response.write('x'), 50);
  response.on('close', () => clearInterval(timer));
}

function hint(response: Parameters<Answer>[0]): void {
  const timer = setInterval(() => response.writeProcessing(), 50);
  response.on('close', () => clearInterval(timer));
}

describe('a connection that does not come about', () => {
  test('refused: connection', async () => {
    const to = await receiver();
    await to.close();
    assert.deepEqual(await call(to), { result: 'failed', reason: 'connection' });
  });

  test('closed without an answer: connection, and tried once', async () => {
    const to = await receiver((response) => void response.destroy());
    assert.deepEqual(await call(to), { result: 'failed', reason: 'connection' });
    assert.equal(to.received.length, 1);
  });

  const certificates: [string, Parameters<typeof startReceiver>[1]][] = [
    ['for another name', { certificate: { hosts: ['other.hotel.example'] } }],
    ['that has expired', { certificate: { notAfter: new Date(Date.now() - 60_000) } }],
  ];
  for (const [what, options] of certificates)
    test(`a certificate ${what}: tls, and nothing is sent`, async () => {
      const to = await receiver(undefined, options);
      assert.deepEqual(await call(to), { result: 'failed', reason: 'tls' });
      assert.equal(to.received.length, 0);
    });

  test('a certificate of an unknown authority: tls', async () => {
    const to = await receiver();
    assert.deepEqual(await call(to, { ca: createAuthority().cert }), { result: 'failed', reason: 'tls' });
  });

  test('plain HTTP behind 443: tls', async () => {
    const to = await receiver(undefined, { plain: true });
    assert.deepEqual(await call(to), { result: 'failed', reason: 'tls' });
  });

  test('silence in the TLS handshake: timeout after 3 s, not after 10', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
    server.on('connection', (socket) => void socket.on('error', () => {}).resume());
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const startedAt = performance.now();
    const agent = createGuardedAgent({ resolver: publicName, ...standIn(address), totalTimeoutMs: 60_000 });
    assert.deepEqual(await agent.post(`https://${HOST}/`, CALL), { result: 'failed', reason: 'timeout' });
    assert.ok(performance.now() - startedAt < 30_000);
  });

  test('name servers that fail: connection; that hang: timeout', async () => {
    const to = await receiver();
    const failing: NameResolver = { resolve4: refuse('ESERVFAIL'), resolve6: refuse('ETIMEOUT') };
    assert.deepEqual(await call(to, { resolver: failing }), { result: 'failed', reason: 'connection' });
    const hanging: NameResolver = { resolve4: never, resolve6: never };
    const outcome = await call(to, { resolver: hanging, totalTimeoutMs: 300 });
    assert.deepEqual(outcome, { result: 'failed', reason: 'timeout' });
    assert.equal(to.accepted(), 0);
  });
});

async function never(): Promise<string[]> {
  return await new Promise(() => {});
}

function refuse(code: string): () => Promise<string[]> {
  return () => Promise.reject(Object.assign(new Error(code), { code }));
}

test('calls beyond the limit are refused at once and send nothing; places become free again', async () => {
  const answers: (() => void)[] = [];
  const to = await receiver((response) => void answers.push(() => response.end()));
  const agent = createGuardedAgent({ resolver: publicName, ca: to.ca, ...standIn(to), concurrentMax: 2 });
  const url = `https://${HOST}/`;
  const first = [agent.post(url, CALL), agent.post(url, CALL)];
  await assert.rejects(agent.post(url, CALL), AgentBusyError);
  await assert.rejects(agent.checkUrl(url), AgentBusyError);
  while (answers.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const answer of answers) answer();
  assert.deepEqual(
    await Promise.all(first),
    [1, 2].map(() => ({ result: 'delivered', status: 200 })),
  );
  assert.deepEqual(await agent.checkUrl(url), { result: 'allowed', url });
  assert.equal(to.received.length, 2);
});

test('a trusted target is called over plain http, by address or name, and still not redirected', async () => {
  const to = await receiver((response) => void response.writeHead(307, { location: '/again' }).end(), {
    plain: true,
  });
  const trustedTargets = [`127.0.0.1:${to.port}`, `localhost:${to.port}`];
  const agent = createGuardedAgent({ trustedTargets });
  for (const target of trustedTargets)
    assert.deepEqual(await agent.post(`http://${target}/a`, CALL), {
      result: 'failed',
      reason: 'redirect',
      status: 307,
    });
  assert.deepEqual(
    to.received.map(({ url }) => url),
    ['/a', '/a'],
  );
});
