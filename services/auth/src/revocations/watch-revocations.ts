import type { ServerWritableStream } from '@grpc/grpc-js';
import type { RevocationEvent, WatchRevocationsRequest } from '@centra/proto/centra/auth/v1/auth.ts';
import type { Context } from '../context.ts';

/** WatchRevocations: every revocation from now on. `unavailable` while this replica hears none itself. */
export function watchRevocations(
  context: Context,
  call: ServerWritableStream<WatchRevocationsRequest, RevocationEvent>,
): void {
  context.revocations.add(call);
}
