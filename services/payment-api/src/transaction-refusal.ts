import { status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { AppError, ERRORS } from '@centra/service-kit/errors.ts';
import { fromServiceError } from '@centra/service-kit/grpc.ts';

// How often a client should ask again that was told to: often enough not to be felt, rarely enough not to be load.
const RETRY_AFTER_S = 1;

/**
 * The refusal that transaction itself sent, in words for our caller; undefined when the call failed without one, so
 * that nobody knows what became of it.
 */
export function sentRefusal(error: ServiceError): AppError | undefined {
  const refusal = fromServiceError(error);
  // Only a failure without a sent refusal carries the raw error as its cause.
  if (refusal.cause !== undefined) return undefined;
  // These speak of our own service credential, for example while a clock of ours is wrong. The caller's was checked by the
  // gateway and is fine, and nothing was done.
  if (refusal.code === 'unauthenticated' || refusal.code === 'forbidden')
    return new AppError('unavailable', {
      cause: error,
      retryAfterSeconds: RETRY_AFTER_S,
      internal: `transaction refused this service: ${refusal.code}`,
    });
  const asksToRetry = ERRORS[refusal.code].http === 503 || refusal.code === 'in_progress';
  if (!asksToRetry || refusal.retryAfterSeconds !== undefined) return refusal;
  return new AppError(refusal.code, {
    ...(refusal.detail === undefined ? {} : { detail: refusal.detail }),
    errors: refusal.errors,
    extra: refusal.extra,
    internal: refusal.message,
    retryAfterSeconds: RETRY_AFTER_S,
  });
}

// What grpc-js says when a call ended before any byte of it left: no connection, no address, or a stream that the
// server's HTTP/2 layer turned away unprocessed (RFC 9113 §8.7). Its `progress` is not part of the error, its words are;
// ask-operation.test.ts keeps them to it.
const NOT_SENT = /^(?:No connection established|Name resolution failed|Stream refused by server)/;

/** Whether the call surely never reached transaction. */
export function surelyNotSent(error: ServiceError): boolean {
  return error.code === grpcStatus.UNAVAILABLE && NOT_SENT.test(error.details);
}

/** Nothing was done; the caller may try again. */
export function unavailable(cause: unknown): AppError {
  return new AppError('unavailable', {
    cause,
    retryAfterSeconds: RETRY_AFTER_S,
    internal: 'transaction cannot be asked',
  });
}

/** Perhaps it was done. Asking again with the same key is safe and will tell. */
export function stillInProgress(cause: unknown): AppError {
  return new AppError('in_progress', {
    cause,
    retryAfterSeconds: RETRY_AFTER_S,
    internal: 'answer of transaction lost',
  });
}
