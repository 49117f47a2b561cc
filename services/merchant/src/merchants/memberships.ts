import type { ListMembershipsRequest, ListMembershipsResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { callMetadata, callUnary, fromServiceError } from '@centra/service-kit/grpc.ts';
import type { Context } from '../context.ts';

// Told within 2 s that auth is away.
const DEADLINE_MS = 1_500;

/** Where a person works, as auth knows it; throws its refusal, and `unavailable` when it is away. */
export async function listMembershipsOf(
  { authClient }: Context,
  requestId: string,
  wanted: ListMembershipsRequest,
): Promise<ListMembershipsResponse> {
  const options = { metadata: callMetadata(requestId), deadlineMs: DEADLINE_MS, waitForReady: true };
  try {
    return await callUnary(authClient.listMemberships.bind(authClient), wanted, options);
  } catch (error) {
    throw unavailableUnlessRefused(error);
  }
}

/** A late answer of auth is its being away, and nobody's fault in here. */
function unavailableUnlessRefused(error: unknown): AppError {
  const refusal = fromServiceError(error);
  return refusal.code === 'internal'
    ? new AppError('unavailable', { cause: refusal, retryAfterSeconds: 1, internal: 'auth cannot be asked' })
    : refusal;
}
