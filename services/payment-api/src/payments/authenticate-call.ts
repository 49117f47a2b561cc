import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { requireScope } from '@centra/service-kit/http.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { Context } from '../context.ts';

// Ours are under 100 characters; longer ones are not worth a hash.
const KEY_MAX_LENGTH = 256;
// How a key begins. A person's token has no business here: this door is for the hotel's own machines.
const KEY_PREFIX = 'ck_';

/** Who calls over gRPC: the hotel's own API key, which must hold the scope. */
export async function authenticateCall(
  context: Context,
  call: CallContext,
  scope: string,
): Promise<Identity> {
  const { bearer, requestId } = call;
  if (!bearer.startsWith(KEY_PREFIX) || bearer.length > KEY_MAX_LENGTH) throw new AppError('unauthenticated');
  const address = addressOfPeer(call.address);
  const { identity, barrier } = await context.authenticator.authenticate(bearer, { requestId, address });
  if (identity === undefined) throw new AppError('unauthenticated');
  context.usage.note(identity);
  if (barrier !== undefined) throw new AppError(barrier);
  requireScope(identity, scope);
  return identity;
}

/** gRPC names its peer with a port, and an IPv6 one with brackets or without: the address alone. */
export function addressOfPeer(peer: string): string {
  return peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
