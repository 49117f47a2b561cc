// Stripe's error answers, in Stripe's words where they are published.

export type ErrorFields = {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  message: string;
  code?: string;
  param?: string;
  decline_code?: string;
  charge?: string;
  advice_code?: string;
  network_decline_code?: string;
  payment_intent?: unknown;
  payment_method?: unknown;
};

/** Thrown by any action that refuses. Nothing has changed when it is thrown. */
export class StripeError extends Error {
  readonly status: number;
  readonly fields: ErrorFields;
  /** Whether the endpoint had begun to execute: only then does Stripe keep the answer under its idempotency key. */
  readonly executed: boolean;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    fields: ErrorFields,
    options: { executed?: boolean; headers?: Record<string, string> } = {},
  ) {
    super(fields.message);
    this.status = status;
    this.fields = fields;
    this.executed = options.executed ?? false;
    this.headers = options.headers ?? {};
  }
}

/** The JSON body of an error. `livemode` picks the dashboard the log link points to. */
export function errorBody(
  fields: ErrorFields,
  requestId: string,
  livemode: boolean,
): { error: Record<string, unknown> } {
  const { code } = fields;
  const mode = livemode ? '' : 'test/';
  return {
    error: {
      ...fields,
      ...(code ? { doc_url: docUrl(code) } : {}),
      request_log_url: `https://dashboard.stripe.com/${mode}logs/${requestId}`,
    },
  };
}

export function docUrl(code: string): string {
  return `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`;
}

/** A parameter that is wrong by itself: refused before anything executes, so the key stays free. */
export function invalidParameter(message: string, param?: string, code?: string): StripeError {
  return new StripeError(400, {
    type: 'invalid_request_error',
    message,
    ...(param ? { param } : {}),
    ...(code ? { code } : {}),
  });
}

/**
 * Another account's object, another mode's, or none at all: Stripe does not tell which.
 * 404 when the id was in the path, 400 when it was a parameter.
 */
export function resourceMissing(noun: string, id: string, param: string, status: 400 | 404): StripeError {
  const message = `No such ${noun}: '${id}'`;
  return new StripeError(
    status,
    { type: 'invalid_request_error', code: 'resource_missing', message, param },
    { executed: true },
  );
}

export function unrecognizedUrl(method: string, path: string): StripeError {
  const message = `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`;
  return new StripeError(404, { type: 'invalid_request_error', message });
}

export function rateLimited(): StripeError {
  const message =
    'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.';
  return new StripeError(
    429,
    { type: 'invalid_request_error', code: 'rate_limit', message },
    { headers: { 'Stripe-Rate-Limited-Reason': 'global-rate' } },
  );
}

export function lockTimeout(): StripeError {
  const message =
    'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. ' +
    'If you see this error intermittently, retry the request. If you see this error frequently and are making multiple ' +
    'concurrent requests to a single object, make your requests serially or at a lower rate.';
  return new StripeError(
    429,
    { type: 'invalid_request_error', code: 'lock_timeout', message },
    { headers: { 'Stripe-Should-Retry': 'true' } },
  );
}

export function keyInUse(key: string): StripeError {
  const message =
    `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the ` +
    `other request is still going through): ${key}. Please try again later.`;
  return new StripeError(
    409,
    { type: 'idempotency_error', code: 'idempotency_key_in_use', message },
    { headers: { 'Stripe-Should-Retry': 'true' } },
  );
}

export function serverError(status: number): ErrorFields {
  return { type: 'api_error', message: `An unknown error occurred (status ${status}).` };
}
