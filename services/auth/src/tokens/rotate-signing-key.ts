import type { RotateSigningKeyRequest, RotateSigningKeyResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import type { Context } from '../context.ts';

/** RotateSigningKey: for the operator, on suspicion. `state_conflict` where tokens are signed with a configured secret. */
export async function rotateSigningKey(
  context: Context,
  _request: RotateSigningKeyRequest,
  call: CallContext,
): Promise<RotateSigningKeyResponse> {
  const kid = await context.signingKeys.rotate();
  context.log.warn(
    { kid, requestId: call.requestId, caller: call.caller },
    'the operator changed the signing key',
  );
  return { kid };
}
