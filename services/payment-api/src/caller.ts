import type { Request } from 'express';
import type { Origin } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { contextOf, identityOf } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { Context } from './context.ts';
import { authenticateCall } from './payments/authenticate-call.ts';

/** Who asks, through either door. */
export type Caller = {
  identity: Identity;
  requestId: string;
  /** For the history of the payment. */
  origin: Origin;
};

// As the HTTP door keeps it: an IPv6 address with a zone and a port is shorter.
const ADDRESS_MAX_LENGTH = 64;

/** Who sent this HTTP request, behind `requireIdentity()`. */
export function callerOf(request: Request): Caller {
  const identity = identityOf(request);
  const { requestId, address } = contextOf(request);
  return { identity, requestId, origin: { actor: identity.actor, requestId, address } };
}

/** Who makes this gRPC call: the hotel's own API key, which must hold the scope. */
export async function callerOfCall(context: Context, call: CallContext, scope: string): Promise<Caller> {
  const identity = await authenticateCall(context, call, scope);
  const requestId = call.requestId === '' ? toPublicId('req', newUuid()) : call.requestId;
  const address = call.address.slice(0, ADDRESS_MAX_LENGTH);
  return { identity, requestId, origin: { actor: identity.actor, requestId, address } };
}
