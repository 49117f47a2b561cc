import { Server, status as grpcStatus } from '@grpc/grpc-js';
import type {
  ServerUnaryCall,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { AppError } from './errors.ts';
import { serviceNameOf } from './tls.ts';

/** A call as far as it concerns who makes it. */
export type CallOfPeer = Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>;

/** The calling service, when it is one of `callers`; `forbidden` otherwise, and for a certificate that names nobody. */
export function requireCaller(call: CallOfPeer, rpc: string, callers: readonly string[]): string {
  const caller = callerOf(call);
  if (caller === undefined || !callers.includes(caller))
    throw new AppError('forbidden', {
      internal: `${caller ?? 'a nameless certificate'} may not call ${rpc}`,
    });
  return caller;
}

/** A server that says nothing to a certificate without a name of ours: health and reflection included. */
export class NamedCallersServer extends Server {
  override addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    const guarded = Object.entries(implementation).map(([name, handler]) => [name, forNamed(handler)]);
    super.addService(service, Object.fromEntries(guarded));
  }
}

const NAMELESS = { code: grpcStatus.PERMISSION_DENIED, details: 'the certificate names no service' };

function forNamed(handler: UntypedHandleCall): UntypedHandleCall {
  return (call: AnyCall, callback: AnyCallback) => {
    if (callerOf(call) !== undefined) Reflect.apply(handler, undefined, [call, callback]);
    else if (callback === undefined) call.emit('error', NAMELESS);
    else callback(NAMELESS);
  };
}

type AnyCall = CallOfPeer & { emit(event: 'error', status: typeof NAMELESS): void };
/** Only calls with a single answer have one. */
type AnyCallback = ((status: typeof NAMELESS) => void) | undefined;

// Reading a certificate takes 100 µs, a third of a whole call; it is the same for all calls of a connection.
const names = new WeakMap<object, string | undefined>();

function callerOf(call: CallOfPeer): string | undefined {
  const connection = connectionOf(call);
  if (connection === undefined) return readName(call);
  if (!names.has(connection)) names.set(connection, readName(call));
  return names.get(connection);
}

function readName(call: CallOfPeer): string | undefined {
  return serviceNameOf(call.getAuthContext().sslPeerCertificate?.subjectaltname);
}

/**
 * The HTTP/2 session of a call. The library keeps it to itself, so this follows its own fields; should they change, each
 * call reads the certificate again (a test notices), and who calls is as certain as before.
 */
export function connectionOf(call: object): object | undefined {
  let at: unknown = call;
  for (const field of ['call', 'stream', 'session']) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, field);
  }
  return typeof at === 'object' && at !== null ? at : undefined;
}
