import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import type { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { ERRORS, isErrorCode } from './errors.ts';
import { callMetadata, callUnary, fromServiceError } from './grpc.ts';
import type { GrpcListening } from './grpc.ts';
import {
  DEADLINE_MS,
  INTERNAL,
  calls,
  clientOf,
  failureOf,
  logged,
  metrics,
  startServer,
  validate,
} from './test-rpc.ts';

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
    calls.length = 0;
    const answer = await validate(client, 'key_1');
    assert.equal(answer.apiKeyId, 'key_1');
    assert.deepEqual(
      calls.map(({ caller, requestId }) => ({ caller, requestId })),
      [{ caller: 'api-gateway', requestId: 'req_1' }],
    );
    assert.match(calls[0]?.address ?? '', /^127\.0\.0\.1:\d+$/);
    const other = clientOf(server.port, 'payment-api');
    await validate(other, 'key_1', callMetadata('req_2'));
    assert.deepEqual([calls[1]?.caller, calls[1]?.requestId], ['payment-api', 'req_2']);
    other.close();
  });

  test('of a service that is not allowed is PERMISSION_DENIED, and the handler does not run', async () => {
    calls.length = 0;
    for (const service of ['merchant', 'transaction', 'operator', 'auth']) {
      const stranger = clientOf(server.port, service);
      const error = await failureOf(validate(stranger, 'key_1'));
      assert.equal(error.code, grpcStatus.PERMISSION_DENIED);
      assert.equal(fromServiceError(error).code, 'forbidden');
      assert.doesNotMatch(error.details, new RegExp(service));
      stranger.close();
    }
    assert.deepEqual(calls, []);
  });

  test('says nothing of its caller that the certificate does not: a token is no help', async () => {
    const metadata = callMetadata('req_1');
    metadata.set('authorization', 'Bearer api-gateway');
    metadata.set('x-caller', 'api-gateway');
    const stranger = clientOf(server.port, 'merchant');
    const error = await failureOf(validate(stranger, 'key_1', metadata));
    assert.equal(error.code, grpcStatus.PERMISSION_DENIED);
    stranger.close();
  });

  test('with a merchant’s credential hands it on as it came, beside its caller', async () => {
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer sk_test_key');
    metadata.set('x-request-id', 'r'.repeat(500));
    calls.length = 0;
    const request = { merchantId: 'm', mode: Mode.MODE_TEST, name: 'n', scopes: [], expiresAt: undefined };
    const booking = clientOf(server.port, 'booking-api');
    const answer = await callUnary(booking.createApiKey.bind(booking), request, {
      metadata,
      deadlineMs: DEADLINE_MS,
    });
    booking.close();
    assert.deepEqual(answer, { apiKeyId: 'booking-api', secret: 'sk_test_key' });
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
    const loggedBefore = logged.length;
    const error = await failureOf(validate(client, 'bug'));
    assert.equal(error.code, grpcStatus.INTERNAL);
    assert.equal(fromServiceError(error).code, 'internal');
    assert.doesNotMatch(wireTextOf(error), /secret_table|db-1|TypeError|\.ts:/);
    assert.equal(logged.length, loggedBefore + 1);
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
  test('is never trusted to be well-formed: a garbled trailer is no fault of ours', () => {
    const garbled = [
      '',
      'not json',
      '[]',
      'null',
      '{}',
      '{"code":1}',
      '{"code":"no_such_code"}',
      '{"code":"toString"}',
      '{"code":"not_found","errors":"x"}',
      '\u0000',
    ];
    for (const trailer of garbled) {
      assert.equal(fromServiceError(errorWith(grpcStatus.NOT_FOUND, trailer)).code, 'internal', trailer);
      assert.equal(fromServiceError(errorWith(grpcStatus.UNAVAILABLE, trailer)).code, 'unavailable', trailer);
    }
  });

  test('without our trailer is unavailable when it could not be reached, else internal', () => {
    assert.equal(fromServiceError(errorWith(grpcStatus.UNAVAILABLE)).code, 'unavailable');
    for (const code of [
      grpcStatus.DEADLINE_EXCEEDED,
      grpcStatus.UNKNOWN,
      grpcStatus.NOT_FOUND,
      grpcStatus.UNIMPLEMENTED,
    ])
      assert.equal(fromServiceError(errorWith(code)).code, 'internal');
    for (const value of [new Error('x'), undefined, 'x'])
      assert.equal(fromServiceError(value).code, 'internal');
  });
});

/** All that a peer could read of it. */
function wireTextOf(error: ServiceError): string {
  const entries = Object.values(error.metadata.toJSON()).flat();
  return [
    error.details,
    ...entries.map((entry) => (entry instanceof Buffer ? entry.toString() : String(entry))),
  ].join('\n');
}

function errorWith(code: grpcStatus, trailer?: string): ServiceError {
  const metadata = new Metadata();
  if (trailer !== undefined) metadata.set('centra-error-bin', Buffer.from(trailer));
  return Object.assign(new Error(INTERNAL), { code, details: INTERNAL, metadata });
}
