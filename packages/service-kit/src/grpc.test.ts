import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Client, Metadata, credentials, status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { DatabaseError } from 'pg';
import { AuthServiceClient, AuthServiceService } from '@centra/proto/centra/auth/v1/auth.ts';
import type { AuthServiceServer, ValidateApiKeyResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { AppError, ERRORS, isErrorCode } from './errors.ts';
import { CLIENT_OPTIONS, callUnary, fromServiceError, isServiceError, listenGrpc, serviceMetadata, unary } from './grpc.ts';
import type { CallContext, GrpcListening } from './grpc.ts';
import { boundPort } from './listen.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createSigner, createVerifier, readTrustedKeys } from './service-identity.ts';

const INTERNAL = 'relation "secret_table" does not exist at db-1.internal';
const DEADLINE_MS = 20_000;
const keys = createServiceKeys();
const metrics = createMetrics('auth');
const logged: Record<string, unknown>[] = [];
const log = createLog('auth', 'silent');
log.error = (fields: unknown) => void logged.push(Object(fields));
const signerOf = (service: string): ReturnType<typeof createSigner> => createSigner(service, keys.privateKeys[service] ?? '');
const gateway = signerOf('api-gateway');

const failures: Record<string, () => Error> = {
  bug: () => new TypeError(INTERNAL, { cause: new Error(INTERNAL) }),
  'database away': () => Object.assign(new DatabaseError(INTERNAL, 1, 'error'), { code: '57P01' }),
  'refusal with everything': () =>
    new AppError('state_conflict', {
      detail: 'É: the payment was captured.\n',
      errors: [{ field: 'amount', reason: 'is over the rest' }],
      retryAfterSeconds: 3,
      extra: { payment_id: 'pay_1', nested: { list: [1, null] } },
      internal: INTERNAL,
    }),
  'refusal with an amount as bigint': () => new AppError('amount_not_allowed', { extra: { max: 100n } }),
};

let calls: CallContext[] = [];
const held: (() => void)[] = [];

const implementation: AuthServiceServer = {
  validateApiKey: unary(
    { log, metrics, name: 'ValidateApiKey', callers: ['api-gateway', 'payment-api'], verifier: createVerifier('auth', readTrustedKeys(keys.trustedKeys)) },
    async ({ secret }, context): Promise<ValidateApiKeyResponse> => {
      calls.push(context);
      const failure = failures[secret];
      if (failure !== undefined) throw failure();
      if (isErrorCode(secret)) throw new AppError(secret);
      if (secret === 'hold') await new Promise<void>((release) => held.push(release));
      return { apiKeyId: secret, merchantId: 'm', mode: Mode.MODE_TEST, scopes: [], expiresAt: undefined };
    },
  ),
  createApiKey: unary(
    { log, metrics, name: 'CreateApiKey', verifier: createVerifier('auth', new Map()) },
    async (_request, context) => {
      calls.push(context);
      return { apiKeyId: context.caller, secret: context.bearer };
    },
  ),
  watchRevocations: (call) => call.end(),
};

async function startServer(): Promise<GrpcListening> {
  const definition = AuthServiceService;
  return await listenGrpc([{ definition, implementation: { ...implementation } }], { host: '127.0.0.1', port: 0 });
}

function clientOf(port: number): AuthServiceClient {
  return new AuthServiceClient(`127.0.0.1:${port}`, credentials.createInsecure(), CLIENT_OPTIONS);
}

async function validate(client: AuthServiceClient, secret: string, metadata = serviceMetadata(gateway, 'auth', 'req_1'), deadlineMs = DEADLINE_MS): Promise<ValidateApiKeyResponse> {
  return await callUnary(client.validateApiKey.bind(client), { secret }, { metadata, deadlineMs });
}

async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  const error: unknown = await call.then(
    () => assert.fail('the call succeeded'),
    (refusal: unknown) => refusal,
  );
  assert.ok(isServiceError(error), String(error));
  return error;
}

describe('a call', () => {
  let server: GrpcListening;
  let client: AuthServiceClient;
  before(async () => {
    server = await startServer();
    client = clientOf(server.port);
  });
  after(async () => {
    client.close();
    await server.close();
  });

  test('of an allowed service is answered, and its handler knows who calls, from where and under which request id', async () => {
    calls = [];
    const answer = await validate(client, 'key_1');
    assert.equal(answer.apiKeyId, 'key_1');
    assert.deepEqual(calls.map(({ caller, requestId }) => ({ caller, requestId })), [{ caller: 'api-gateway', requestId: 'req_1' }]);
    assert.match(calls[0]?.address ?? '', /^127\.0\.0\.1:\d+$/);
    await validate(client, 'key_1', serviceMetadata(signerOf('payment-api'), 'auth', 'req_2'));
    assert.equal(calls[1]?.caller, 'payment-api');
  });

  test('of a service that is not allowed is PERMISSION_DENIED, and the handler does not run', async () => {
    calls = [];
    for (const service of ['merchant', 'transaction', 'operator', 'auth']) {
      const error = await failureOf(validate(client, 'key_1', serviceMetadata(signerOf(service), 'auth', 'req_1')));
      assert.equal(error.code, grpcStatus.PERMISSION_DENIED);
      assert.equal(fromServiceError(error).code, 'forbidden');
      assert.doesNotMatch(error.details, new RegExp(service));
    }
    assert.deepEqual(calls, []);
  });

  test('without a valid token is UNAUTHENTICATED, and the handler does not run', async () => {
    calls = [];
    const identityToken = gateway.identityToken('auth', { merchantId: 'm', mode: 'test', actor: 'a', scopes: [] });
    const bearers = ['', 'Bearer', 'Bearer ', 'Basic eA==', 'Bearer x.y.z', `Bearer ${gateway.serviceToken('merchant')}`, `Bearer ${identityToken}`];
    const stranger = createServiceKeys(['api-gateway']).privateKeys['api-gateway'] ?? '';
    bearers.push(`Bearer ${createSigner('api-gateway', stranger).serviceToken('auth')}`, gateway.serviceToken('auth'));
    for (const bearer of [undefined, ...bearers]) {
      const metadata = new Metadata();
      if (bearer !== undefined) metadata.set('authorization', bearer);
      const error = await failureOf(validate(client, 'key_1', metadata));
      assert.equal(error.code, grpcStatus.UNAUTHENTICATED, bearer);
      assert.equal(error.details, ERRORS.unauthenticated.title);
    }
    assert.deepEqual(calls, []);
  });

  test('of a method that authenticates otherwise gets the bearer as it came, and no caller', async () => {
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer sk_test_key');
    metadata.set('x-request-id', 'r'.repeat(500));
    calls = [];
    const request = { merchantId: 'm', mode: Mode.MODE_TEST, name: 'n', scopes: [], expiresAt: undefined };
    const answer = await callUnary(client.createApiKey.bind(client), request, { metadata, deadlineMs: DEADLINE_MS });
    assert.deepEqual(answer, { apiKeyId: '', secret: 'sk_test_key' });
    assert.equal(calls[0]?.requestId.length, 64);
  });
});

describe('a refusal', () => {
  let server: GrpcListening;
  let client: AuthServiceClient;
  before(async () => {
    server = await startServer();
    client = clientOf(server.port);
  });
  after(async () => {
    client.close();
    await server.close();
  });

  test('of every code travels: its gRPC status for others, its own name for us', async () => {
    for (const code of Object.keys(ERRORS).filter(isErrorCode)) {
      const error = await failureOf(validate(client, code));
      assert.equal(error.code, ERRORS[code].grpc, code);
      assert.equal(error.details, ERRORS[code].title);
      assert.equal(fromServiceError(error).code, code);
    }
  });

  test('arrives as it was thrown: detail, fields, time to wait and extra members; internal words do not', async () => {
    const error = await failureOf(validate(client, 'refusal with everything'));
    assert.equal(error.code, grpcStatus.ABORTED);
    const { code, detail, errors, retryAfterSeconds, extra } = fromServiceError(error);
    assert.deepEqual(
      { code, detail, errors, retryAfterSeconds, extra },
      {
        code: 'state_conflict',
        detail: 'É: the payment was captured.\n',
        errors: [{ field: 'amount', reason: 'is over the rest' }],
        retryAfterSeconds: 3,
        extra: { payment_id: 'pay_1', nested: { list: [1, null] } },
      },
    );
    assert.doesNotMatch(wireTextOf(error), /secret_table|db-1/);
  });

  test('with a bigint among its extra members is still that refusal', async () => {
    const error = await failureOf(validate(client, 'refusal with an amount as bigint'));
    assert.equal(fromServiceError(error).code, 'amount_not_allowed');
    assert.deepEqual(fromServiceError(error).extra, { max: '100' });
  });

  test('that is a bug is INTERNAL, logged with its request id, and says nothing of its cause', async () => {
    const before = logged.length;
    const error = await failureOf(validate(client, 'bug'));
    assert.equal(error.code, grpcStatus.INTERNAL);
    assert.equal(fromServiceError(error).code, 'internal');
    assert.doesNotMatch(wireTextOf(error), /secret_table|db-1|TypeError|\.ts:/);
    assert.equal(logged.length, before + 1);
    assert.equal(logged.at(-1)?.['requestId'], 'req_1');
  });

  test('because the database is away is unavailable, and may be tried again in a second', async () => {
    const refusal = fromServiceError(await failureOf(validate(client, 'database away')));
    assert.deepEqual([refusal.code, refusal.retryAfterSeconds], ['unavailable', 1]);
  });

  test('is counted by its method and status', async () => {
    await failureOf(validate(client, 'not_found'));
    const text = await metrics.registry.metrics();
    assert.match(text, /_count\{[^}]*route="ValidateApiKey",method="grpc",status="NOT_FOUND"[^}]*\} [1-9]/);
  });
});

describe('what another peer answers', () => {
  const errorWith = (code: number, trailer?: string): ServiceError => {
    const metadata = new Metadata();
    if (trailer !== undefined) metadata.set('centra-error-bin', Buffer.from(trailer));
    return Object.assign(new Error(INTERNAL), { code, details: INTERNAL, metadata });
  };

  test('is never trusted to be well-formed: a garbled trailer is no fault of ours', () => {
    const garbled = ['', 'not json', '[]', 'null', '{}', '{"code":1}', '{"code":"no_such_code"}', '{"code":"toString"}', '{"code":"not_found","errors":"x"}', '\u0000'];
    for (const trailer of garbled) {
      assert.equal(fromServiceError(errorWith(grpcStatus.NOT_FOUND, trailer)).code, 'internal', trailer);
      assert.equal(fromServiceError(errorWith(grpcStatus.UNAVAILABLE, trailer)).code, 'unavailable', trailer);
    }
  });

  test('without our trailer is unavailable when it could not be reached, else internal', () => {
    assert.equal(fromServiceError(errorWith(grpcStatus.UNAVAILABLE)).code, 'unavailable');
    for (const code of [grpcStatus.DEADLINE_EXCEEDED, grpcStatus.UNKNOWN, grpcStatus.NOT_FOUND, grpcStatus.UNIMPLEMENTED])
      assert.equal(fromServiceError(errorWith(code)).code, 'internal');
    for (const value of [new Error('x'), undefined, 'x']) assert.equal(fromServiceError(value).code, 'internal');
  });
});

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
    const peer = createServer((_request) => sockets.forEach((socket) => socket.resetAndDestroy()));
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
    const second = listenGrpc([], { host: '127.0.0.1', port: server.port });
    await assert.rejects(second, /EADDRINUSE|No address added/);
    await server.close();
  });
});

/** All that a peer could read of it. */
function wireTextOf(error: ServiceError): string {
  const entries = Object.values(error.metadata.toJSON()).flat();
  return [error.details, ...entries.map((entry) => (entry instanceof Buffer ? entry.toString() : String(entry)))].join('\n');
}

type HealthWatch = { seen: string[]; stop(): void };

/** Follows the standard health service, as load balancers do. */
function watchHealth(port: number): HealthWatch {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const method = healthService['Watch'];
  assert.ok(method !== undefined);
  const seen: string[] = [];
  const stream = client.makeServerStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, { service: '' });
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
