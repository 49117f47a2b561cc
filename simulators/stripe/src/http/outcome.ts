import { errorBody, serverError, StripeError } from './stripe-error.ts';

/** The outcome of one call, before it is put on the wire. */
export type Outcome = { status: number; text: string; headers: Record<string, string> };

/** What an error looks like to the caller. A bug says nothing but 500. */
export function refusal(error: unknown, requestId: string, livemode: boolean): Outcome {
  if (error instanceof StripeError) {
    return {
      status: error.status,
      text: JSON.stringify(errorBody(error.fields, requestId, livemode)),
      headers: error.headers,
    };
  }
  console.error('a request failed', error);
  return { status: 500, text: JSON.stringify(errorBody(serverError(500), requestId, livemode)), headers: {} };
}

/** The line that says a request came and what it got: never a query, a body or a key. */
export function requestLine(
  call: { method: string; path: string; requestId: string; idempotencyKey: string | null },
  status: number | null,
) {
  const { method, path, requestId, idempotencyKey } = call;
  return {
    kind: 'request' as const,
    method,
    path,
    idempotency_key: idempotencyKey,
    request_id: requestId,
    status,
  };
}
