import { status as grpcStatus } from '@grpc/grpc-js';
import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import type { AuthServiceServer } from '@centra/proto/centra/auth/v1/auth.ts';
import { AppError, ERRORS } from '@centra/service-kit/errors.ts';
import { unary } from '@centra/service-kit/grpc.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { toAppError } from '@centra/service-kit/http.ts';
import { createFirstApiKey } from './api-keys/create-first-api-key.ts';
import { validateApiKey } from './api-keys/validate-api-key.ts';
import type { Context } from './context.ts';
import { watchRevocations } from './revocations/watch-revocations.ts';

const VALIDATORS = ['api-gateway', 'payment-api'];
const OPERATORS = ['operator'];

/** The gRPC side: which RPC is which file, and which services may call it. */
export function authService(context: Context): AuthServiceServer {
  return {
    validateApiKey: named(context, 'ValidateApiKey', VALIDATORS, validateApiKey),
    watchRevocations: streaming(context, 'WatchRevocations', VALIDATORS, watchRevocations),
    createApiKey: named(context, 'CreateApiKey', OPERATORS, createFirstApiKey),
  };
}

function named<Req, Res>(
  context: Context,
  name: string,
  callers: readonly string[],
  handler: (context: Context, request: Req, call: CallContext) => Promise<Res>,
): handleUnaryCall<Req, Res> {
  const { log, metrics, verifier } = context;
  return unary({ log, metrics, verifier, name, callers }, (request: Req, call) =>
    handler(context, request, call),
  );
}

/** What `unary` does for one answer, for a stream of them: the caller's token is checked before anything is sent. */
function streaming<Req, Res>(
  context: Context,
  name: string,
  callers: readonly string[],
  handler: (context: Context, call: ServerWritableStream<Req, Res>) => void,
): handleServerStreamingCall<Req, Res> {
  return (call) => {
    try {
      const authorization = String(call.metadata.get('authorization')[0] ?? '');
      const caller = context.verifier.verifyService(/^Bearer (\S+)$/i.exec(authorization)?.[1] ?? '');
      if (!callers.includes(caller))
        throw new AppError('forbidden', { internal: `${caller} may not call ${name}` });
      handler(context, call);
    } catch (error) {
      const refusal = toAppError(error);
      const { grpc: code, title, http } = ERRORS[refusal.code];
      context.metrics.requestSeconds.observe({ route: name, method: 'grpc', status: grpcStatus[code] }, 0);
      if (http >= 500) context.log.warn({ err: error, rpc: name }, 'stream refused');
      call.emit('error', { code, details: refusal.detail ?? title });
    }
  };
}
