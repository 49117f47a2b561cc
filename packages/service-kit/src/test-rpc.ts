import assert from 'node:assert/strict';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { DatabaseError } from 'pg';
import { AuthServiceClient, AuthServiceService } from '@centra/proto/centra/auth/v1/auth.ts';
import type { AuthServiceServer, ValidateApiKeyResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { clientAs, testTls } from '@centra/testkit/test-tls.ts';
import { AppError, isErrorCode } from './errors.ts';
import { callMetadata, callUnary, isServiceError, listenGrpc, unary } from './grpc.ts';
import type { CallContext, GrpcListening } from './grpc.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';

/** What must stay inside. */
export const INTERNAL = 'relation "secret_table" does not exist at db-1.internal';
export const DEADLINE_MS = 20_000;
export const metrics = createMetrics('auth');
export const logged: Record<string, unknown>[] = [];
const log = createLog('auth', 'silent');
log.error = (fields: unknown) => void logged.push(Object(fields));

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

/** What the handlers were told of each call. */
export const calls: CallContext[] = [];
/** Lets go of the calls with the secret `hold`. */
export const held: (() => void)[] = [];

const implementation: AuthServiceServer = {
  validateApiKey: unary(
    {
      log,
      metrics,
      name: 'ValidateApiKey',
      callers: ['api-gateway', 'payment-api'],
    },
    async ({ secret }, context): Promise<ValidateApiKeyResponse> => {
      calls.push(context);
      const failure = failures[secret];
      if (failure !== undefined) throw failure();
      if (isErrorCode(secret)) throw new AppError(secret);
      if (secret === 'hold') await new Promise<void>((release) => held.push(release));
      return {
        apiKeyId: secret,
        merchantId: 'm',
        mode: Mode.MODE_TEST,
        scopes: [],
        expiresAt: undefined,
        allowedAddresses: [],
        suspended: false,
      };
    },
  ),
  createApiKey: unary(
    { log, metrics, name: 'CreateApiKey', callers: ['booking-api'] },
    async (_request, context) => {
      calls.push(context);
      return { apiKeyId: context.caller, secret: context.bearer };
    },
  ),
  watchRevocations: (call) => call.end(),
  validateAccessToken: notHere,
  listMemberships: notHere,
  listAuditEvents: notHere,
  checkPermission: notHere,
  recordKeyUsage: notHere,
  setMember: notHere,
  setMerchantAccess: notHere,
  rotateSigningKey: notHere,
};

/** No part of this small service. */
function notHere(_call: unknown, callback: (error: Partial<ServiceError>) => void): void {
  callback({ code: grpcStatus.UNIMPLEMENTED });
}

export async function startServer(): Promise<GrpcListening> {
  const definition = AuthServiceService;
  return await listenGrpc([{ definition, implementation: { ...implementation } }], {
    host: '127.0.0.1',
    port: 0,
    tls: testTls('auth'),
  });
}

export function clientOf(port: number, caller = 'api-gateway'): AuthServiceClient {
  return clientAs(caller, AuthServiceClient, `127.0.0.1:${port}`, 'auth');
}

export async function validate(
  client: AuthServiceClient,
  secret: string,
  metadata = callMetadata('req_1'),
  deadlineMs = DEADLINE_MS,
): Promise<ValidateApiKeyResponse> {
  return await callUnary(client.validateApiKey.bind(client), { secret }, { metadata, deadlineMs });
}

export async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  const error: unknown = await call.then(
    () => assert.fail('the call succeeded'),
    (refusal: unknown) => refusal,
  );
  assert.ok(isServiceError(error), String(error));
  return error;
}
