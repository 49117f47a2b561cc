import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { requireScope } from '@centra/service-kit/http.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { Context } from '../context.ts';

// Ours are under 100 characters; longer ones are not worth a hash.
const KEY_MAX_LENGTH = 256;

/** Who calls over gRPC: the hotel's own API key, which must hold the scope. */
export async function authenticateCall(
  context: Context,
  call: CallContext,
  scope: string,
): Promise<Identity> {
  if (call.bearer === '' || call.bearer.length > KEY_MAX_LENGTH) throw new AppError('unauthenticated');
  const identity = await context.authenticator.authenticate(call.bearer, call.requestId);
  requireScope(identity, scope);
  return identity;
}
