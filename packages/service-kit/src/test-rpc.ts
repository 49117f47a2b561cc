import assert from 'node:assert/strict';
import { credentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { DatabaseError } from 'pg';
import { AuthServiceClient, AuthServiceService } from '@centra/proto/centra/auth/v1/auth.ts';
import type { AuthServiceServer, ValidateApiKeyResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { AppError, isErrorCode } from './errors.ts';
import { CLIENT_OPTIONS, callUnary, isServiceError, listenGrpc, serviceMetadata, unary } from './grpc.ts';
import type { CallContext, GrpcListening } from './grpc.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createSigner, createVerifier, readTrustedKeys } from './service-identity.ts';

/** What must stay inside. */
export const INTERNAL = 'relation "secret_table" does not exist at db-1.internal';
export const DEADLINE_MS = 20_000;
const keys = createServiceKeys();
export const metrics = createMetrics('auth');
export const logged: Record<string, unknown>[] = [];
const log = createLog('auth', 'silent');
log.error = (fields: unknown) => void logged.push(Object(fields));
export const signerOf = (service: string): ReturnType<typeof createSigner> =>
  createSigner(service, keys.privateKeys[service] ?? '');
export const gateway = signerOf('api-gateway');

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
      verifier: createVerifier('auth', readTrustedKeys(keys.trustedKeys)),
    },
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

export async function startServer(): Promise<GrpcListening> {
  const definition = AuthServiceService;
  return await listenGrpc([{ definition, implementation: { ...implementation } }], {
    host: '127.0.0.1',
    port: 0,
  });
}

export function clientOf(port: number): AuthServiceClient {
  return new AuthServiceClient(`127.0.0.1:${port}`, credentials.createInsecure(), CLIENT_OPTIONS);
}

export async function validate(
  client: AuthServiceClient,
  secret: string,
  metadata = serviceMetadata(gateway, 'auth', 'req_1'),
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
