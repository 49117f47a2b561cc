import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Client, Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError, ServerUnaryCall } from '@grpc/grpc-js';
import { createAuthority, writeCertificates } from '@centra/testkit/certificates.ts';
import type { Authority } from '@centra/testkit/certificates.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { ConfigError } from './env.ts';
import { connectionOf, requireCaller } from './grpc-caller.ts';
import { loadTls } from './grpc-credentials.ts';
import type { Tls } from './grpc-credentials.ts';
import { createClient, listenGrpc } from './grpc.ts';
import type { GrpcListening } from './grpc.ts';
import { boundPort } from './listen.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { TlsFiles } from './tls.ts';

const plain = (bytes: Buffer): Buffer => bytes;
const ECHO = {
  path: '/test.Echo/Say',
  requestStream: false,
  responseStream: false,
  requestSerialize: plain,
  requestDeserialize: plain,
  responseSerialize: plain,
  responseDeserialize: plain,
} as const;
const DEADLINE_MS = 20_000;

const folder = temporaryFolder('grpc-credentials');
after(() => rmSync(folder, { recursive: true, force: true }));

/** A server and a client of it that read their own files, which a test swaps. */
type Pair = {
  authority: Authority;
  files(name: string): TlsFiles;
  metrics: ReturnType<typeof createMetrics>;
  errors: unknown[];
  server: { tls: Tls; listening: GrpcListening };
  client: { tls: Tls; open(server?: string): Client };
  /** The connections that calls came over. */
  connections: Set<object | undefined>;
  release: (() => void)[];
  close(): Promise<void>;
};

let pairs = 0;
async function startPair(): Promise<Pair> {
  const authority = createAuthority();
  const own = temporaryFolder(`pair-${(pairs += 1)}`);
  const files = writeCertificates(own, authority);
  const metrics = createMetrics('auth');
  const errors: unknown[] = [];
  const log = createLog('auth', 'silent');
  log.error = (fields: unknown) => void errors.push(fields);
  const server = loadTls(files('auth'), { name: 'auth', log, metrics });
  const client = loadTls(files('operator'), { name: 'operator', log });
  const connections = new Set<object | undefined>();
  const release: (() => void)[] = [];
  const answerCall = (
    call: ServerUnaryCall<Buffer, Buffer>,
    callback: (error: null, answer: Buffer) => void,
  ): void => {
    connections.add(connectionOf(call));
    const answer = Buffer.from(requireCaller(call, 'Say', ['operator']));
    if (call.request.length === 0) callback(null, answer);
    else release.push(() => callback(null, answer));
  };
  const listening = await listenGrpc([{ definition: { say: ECHO }, implementation: { say: answerCall } }], {
    host: '127.0.0.1',
    port: 0,
    tls: server,
  });
  const opened: Client[] = [];
  return {
    authority,
    files,
    metrics,
    errors,
    server: { tls: server, listening },
    client: {
      tls: client,
      open(name = 'auth') {
        const options = { 'grpc.use_local_subchannel_pool': 1 };
        const made = createClient(Client, `127.0.0.1:${listening.port}`, {
          tls: client,
          server: name,
          options,
        });
        opened.push(made);
        return made;
      },
    },
    connections,
    release,
    async close() {
      for (const each of opened) each.close();
      for (const tls of [server, client]) tls.close();
      await listening.close();
      rmSync(own, { recursive: true, force: true });
    },
  };
}

async function say(client: Client, text = ''): Promise<string> {
  return await new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + DEADLINE_MS };
    client.makeUnaryRequest(
      ECHO.path,
      plain,
      plain,
      Buffer.from(text),
      new Metadata(),
      options,
      (error, reply) => (error === null ? resolve(String(reply)) : reject(error)),
    );
  });
}

async function codeOf(client: Client): Promise<grpcStatus> {
  return await say(client).then(
    () => grpcStatus.OK,
    (error: ServiceError) => error.code,
  );
}

/** As deployments do it: a whole file under another name, then renamed. */
function swap(file: string, text: string): void {
  writeFileSync(`${file}.next`, text);
  renameSync(`${file}.next`, file);
}

describe('a connection', () => {
  let pair: Pair;
  before(async () => {
    pair = await startPair();
  });
  after(async () => await pair.close());

  test('names its caller on every call, and its certificate is read once', async () => {
    const client = pair.client.open();
    for (let time = 0; time < 3; time += 1) assert.equal(await say(client), 'operator');
    // One connection, found: else each call would cost a third more.
    assert.equal(pair.connections.size, 1);
    assert.equal(pair.connections.has(undefined), false);
  });

  test('to a service that is not the one meant is not made', async () => {
    assert.equal(await codeOf(pair.client.open('merchant')), grpcStatus.UNAVAILABLE);
    assert.equal(await codeOf(pair.client.open('auth')), grpcStatus.OK);
  });

  test('to a peer that takes it and then says nothing fails, and is made once the peer speaks', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const port = boundPort(silent);
    const { tls } = pair.client;
    const client = createClient(Client, `127.0.0.1:${port}`, { tls, server: 'auth' });
    assert.equal(await codeOf(client), grpcStatus.UNAVAILABLE);
    silent.close();
    const listening = await listenGrpc([], { host: '127.0.0.1', port, tls: pair.server.tls });
    await waitFor('the connection', async () =>
      (await codeOf(client)) === grpcStatus.UNIMPLEMENTED ? true : undefined,
    );
    client.close();
    await listening.close();
  });
});

describe('swapped files', () => {
  test('serve new connections, while calls under way and connections go on', async () => {
    const pair = await startPair();
    const client = pair.client.open();
    const underWay = say(client, 'hold');
    await waitFor('the call', async () => (pair.release.length > 0 ? true : undefined));
    const next = createAuthority();
    for (const name of ['auth', 'operator']) {
      const { cert, key } = next.issue(name);
      swap(pair.files(name).certFile, cert);
      swap(pair.files(name).keyFile, key);
    }
    swap(pair.files('').caFile, next.cert);
    await pair.server.tls.reload();
    // Only one side has turned: they do not know each other, and what stands goes on.
    assert.equal(await codeOf(pair.client.open()), grpcStatus.UNAVAILABLE);
    assert.equal(await say(client), 'operator');
    await pair.client.tls.reload();
    assert.equal(await say(pair.client.open()), 'operator');
    for (const release of pair.release) release();
    assert.equal(await underWay, 'operator');
    assert.equal(await say(client), 'operator');
    assert.deepEqual(pair.errors, []);
    await pair.close();
  });

  test('in any order: what does not fit yet changes nothing and is told of; the last file completes it', async () => {
    const orders = [
      ['cert', 'key', 'ca'],
      ['ca', 'key', 'cert'],
      ['key', 'ca', 'cert'],
    ] as const;
    for (const order of orders) {
      const pair = await startPair();
      const next = createAuthority();
      const { certFile, keyFile, caFile } = pair.files('auth');
      const files = { cert: certFile, key: keyFile, ca: caFile };
      const texts = { ...next.issue('auth'), ca: next.cert };
      for (const [index, name] of order.entries()) {
        assert.equal(await codeOf(pair.client.open()), grpcStatus.OK);
        swap(files[name], texts[name]);
        await pair.server.tls.reload();
        assert.equal(pair.errors.length, Math.min(index + 1, 2), order.join());
      }
      assert.equal(await codeOf(pair.client.open()), grpcStatus.UNAVAILABLE, 'the new authority is in force');
      await pair.close();
    }
  });

  test('that are half written, missing or expired leave the old ones in force; a whole one is taken', async () => {
    const pair = await startPair();
    const { certFile, keyFile } = pair.files('auth');
    const whole = readFileSync(certFile, 'utf8');
    const past = { notBefore: new Date(0), notAfter: new Date(1) };
    const broken = [whole.slice(0, 100), '', 'nonsense', pair.authority.issue('auth', past).cert];
    for (const text of broken) {
      writeFileSync(certFile, text);
      await pair.server.tls.reload();
    }
    rmSync(certFile);
    await pair.server.tls.reload();
    assert.equal(pair.errors.length, broken.length + 1);
    assert.doesNotMatch(JSON.stringify(pair.errors), /-----BEGIN/);
    assert.equal(await codeOf(pair.client.open()), grpcStatus.OK);
    const expiry = async (): Promise<number> =>
      Number(
        /centra_tls_certificate_expiry_seconds\{[^}]*\} (\d+)/.exec(
          await pair.metrics.registry.metrics(),
        )?.[1],
      );
    const expiredAt = await expiry();
    const notAfter = new Date(Math.ceil(Date.now() / 1000) * 1000 + 86_400_000);
    const { cert, key } = pair.authority.issue('auth', { notAfter });
    swap(keyFile, key);
    swap(certFile, cert);
    await pair.server.tls.reload();
    assert.notEqual(expiredAt, notAfter.getTime() / 1000);
    assert.equal(await expiry(), notAfter.getTime() / 1000);
    assert.equal(await codeOf(pair.client.open()), grpcStatus.OK);
    await pair.close();
  });

  test('are looked for by themselves', async () => {
    const authority = createAuthority();
    const files = { ...writeCertificates(folder, authority)('auth'), reloadMs: 50 };
    const log = createLog('auth', 'silent');
    const told: unknown[] = [];
    log.info = (fields: unknown) => void told.push(fields);
    const tls = loadTls(files, { name: 'auth', log });
    const { cert, key } = authority.issue('auth');
    swap(files.keyFile, key);
    swap(files.certFile, cert);
    await waitFor('the new certificate', async () => (told.length > 0 ? true : undefined));
    tls.close();
  });
});

test('a process does not start with the certificate of another, or with none', () => {
  const files = writeCertificates(folder, createAuthority());
  const log = createLog('auth', 'silent');
  assert.throws(() => loadTls(files('merchant'), { name: 'auth', log }), /not a certificate of auth/);
  assert.throws(() => loadTls({ ...files('auth'), keyFile: '/nowhere' }, { name: 'auth', log }), ConfigError);
});
