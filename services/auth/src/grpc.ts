import { status as grpcStatus } from '@grpc/grpc-js';
import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import type { AuthServiceServer } from '@centra/proto/centra/auth/v1/auth.ts';
import { ERRORS } from '@centra/service-kit/errors.ts';
import { unary } from '@centra/service-kit/grpc.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { requireCaller } from '@centra/service-kit/grpc-caller.ts';
import { toAppError } from '@centra/service-kit/http.ts';
import { recordKeyUsage } from './api-keys/record-key-usage.ts';
import { createFirstApiKey } from './api-keys/create-first-api-key.ts';
import { validateApiKey } from './api-keys/validate-api-key.ts';
import { listAuditEvents } from './audit/list-audit-events.ts';
import type { Context } from './context.ts';
import { checkPermission } from './members/check-permission.ts';
import { listMemberships } from './members/list-memberships.ts';
import { setMember } from './members/set-member.ts';
import { watchRevocations } from './revocations/watch-revocations.ts';
import { setMerchantAccess } from './security/set-merchant-access.ts';
import { rotateSigningKey } from './tokens/rotate-signing-key.ts';
import { validateAccessToken } from './tokens/validate-access-token.ts';

const VALIDATORS = ['api-gateway', 'payment-api'];
const OPERATORS = ['operator'];
const ONBOARDERS = ['merchant', 'operator'];

/** The gRPC side: which RPC is which file, and which services may call it. */
export function authService(context: Context): AuthServiceServer {
  return {
    validateApiKey: named(context, 'ValidateApiKey', VALIDATORS, validateApiKey),
    validateAccessToken: named(context, 'ValidateAccessToken', ['api-gateway'], validateAccessToken),
    checkPermission: named(context, 'CheckPermission', ['merchant', 'payment-api'], checkPermission),
    watchRevocations: streaming(context, 'WatchRevocations', VALIDATORS, watchRevocations),
    recordKeyUsage: named(context, 'RecordKeyUsage', VALIDATORS, recordKeyUsage),
    createApiKey: named(context, 'CreateApiKey', OPERATORS, createFirstApiKey),
    setMember: named(context, 'SetMember', ONBOARDERS, setMember),
    setMerchantAccess: named(context, 'SetMerchantAccess', ONBOARDERS, setMerchantAccess),
    listMemberships: named(context, 'ListMemberships', ['merchant'], listMemberships),
    listAuditEvents: named(context, 'ListAuditEvents', ['merchant'], listAuditEvents),
    rotateSigningKey: named(context, 'RotateSigningKey', OPERATORS, rotateSigningKey),
  };
}

function named<Req, Res>(
  context: Context,
  name: string,
  callers: readonly string[],
  handler: (context: Context, request: Req, call: CallContext) => Promise<Res>,
): handleUnaryCall<Req, Res> {
  const { log, metrics } = context;
  return unary({ log, metrics, name, callers }, (request: Req, call) => handler(context, request, call));
}

/** What `unary` does for one answer, for a stream of them: the caller is checked before anything is sent. */
function streaming<Req, Res>(
  context: Context,
  name: string,
  callers: readonly string[],
  handler: (context: Context, call: ServerWritableStream<Req, Res>) => void,
): handleServerStreamingCall<Req, Res> {
  return (call) => {
    try {
      requireCaller(call, name, callers);
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
