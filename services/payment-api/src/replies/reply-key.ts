import type { Identity } from '@centra/service-kit/service-identity.ts';
import { fingerprintOf } from './fingerprint.ts';
import { operationId } from './operation-id.ts';
import type { ReplyKey } from './reply-writer.ts';

/** What is asked for, whichever door it came through. */
export type KeyedRequest = {
  /** Method and path pattern, for example `POST /v1/payments/:id/capture`. */
  endpoint: string;
  /** The ids in the path. */
  params?: Readonly<Record<string, string>>;
  /** The body as it was parsed, in the form of the HTTP contract. */
  body: unknown;
};

/**
 * Whose answer it is. The id comes from the key alone and the fingerprint from everything that is asked for, so that a key
 * cannot be used twice for different things. Every route and RPC that takes an Idempotency-Key comes here.
 */
export function replyKeyOf(identity: Identity, idempotencyKey: string, request: KeyedRequest): ReplyKey {
  const { merchantId, mode } = identity;
  const { endpoint, params = {}, body } = request;
  return {
    merchantId,
    mode,
    operationId: operationId({ merchantId, mode, key: idempotencyKey }),
    fingerprint: fingerprintOf({ endpoint, params, body }),
  };
}
