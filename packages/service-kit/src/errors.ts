import { status as grpcStatus } from '@grpc/grpc-js';

type ErrorSpec = {
  /** HTTP status. */
  http: number;
  /** gRPC status code. */
  grpc: number;
  /** Public words: what happened and what to do. Never an internal detail. */
  title: string;
};

/** Every public error code, once. `docs/errors.md` is generated from this table and a test keeps the two equal. */
export const ERRORS = {
  validation_failed: {
    http: 400,
    grpc: grpcStatus.INVALID_ARGUMENT,
    title: 'One or more fields are not valid.',
  },
  malformed_request: {
    http: 400,
    grpc: grpcStatus.INVALID_ARGUMENT,
    title: 'The request could not be understood.',
  },
  malformed_json: { http: 400, grpc: grpcStatus.INVALID_ARGUMENT, title: 'The body is not acceptable JSON.' },
  idempotency_key_invalid: {
    http: 400,
    grpc: grpcStatus.INVALID_ARGUMENT,
    title: 'Send an Idempotency-Key header of 1 to 255 printable ASCII characters.',
  },
  signature_invalid: {
    http: 400,
    grpc: grpcStatus.INVALID_ARGUMENT,
    title: "The webhook's signature does not match this account's secret.",
  },
  unauthenticated: { http: 401, grpc: grpcStatus.UNAUTHENTICATED, title: 'A valid credential is needed.' },
  login_failed: {
    http: 401,
    grpc: grpcStatus.UNAUTHENTICATED,
    title: 'The e-mail address or the password is not right.',
  },
  second_factor_wrong: {
    http: 401,
    grpc: grpcStatus.UNAUTHENTICATED,
    title: 'The code of the second factor is not right, or was used before.',
  },
  card_declined: { http: 402, grpc: grpcStatus.FAILED_PRECONDITION, title: 'The card was declined.' },
  payment_failed: {
    http: 402,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The payment could not be made.',
  },
  capture_declined: {
    http: 402,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The provider refused the capture. Nothing was collected by it.',
  },
  cancel_declined: {
    http: 402,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The provider refused to release the hold.',
  },
  adjustment_declined: {
    http: 402,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The bank or provider refused to change the hold. It stays as it was.',
  },
  refund_declined: {
    http: 402,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The provider refused the refund. Nothing was given back.',
  },
  forbidden: { http: 403, grpc: grpcStatus.PERMISSION_DENIED, title: 'This credential may not do that.' },
  email_not_verified: {
    http: 403,
    grpc: grpcStatus.PERMISSION_DENIED,
    title: 'Verify your e-mail address first. A new link was sent.',
  },
  second_factor_required: {
    http: 403,
    grpc: grpcStatus.PERMISSION_DENIED,
    title: 'This hotel asks for a second factor. Log in with one, or add one to your account first.',
  },
  access_suspended: {
    http: 403,
    grpc: grpcStatus.PERMISSION_DENIED,
    title: 'Access to this hotel is suspended.',
  },
  merchant_not_verified: {
    http: 403,
    grpc: grpcStatus.PERMISSION_DENIED,
    title: 'This hotel is not verified yet. Until then it takes payments in test mode only.',
  },
  wrong_recipient: {
    http: 403,
    grpc: grpcStatus.PERMISSION_DENIED,
    title: 'This invitation was sent to another e-mail address. Log in with that one.',
  },
  address_not_allowed: {
    http: 403,
    grpc: grpcStatus.PERMISSION_DENIED,
    title: 'This API key may not be used from this address.',
  },
  not_found: { http: 404, grpc: grpcStatus.NOT_FOUND, title: 'There is nothing here under that name.' },
  method_not_allowed: {
    http: 405,
    grpc: grpcStatus.UNIMPLEMENTED,
    title: 'This path does not take that method.',
  },
  request_timeout: {
    http: 408,
    grpc: grpcStatus.DEADLINE_EXCEEDED,
    title: 'The request took too long to arrive.',
  },
  in_progress: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'A request with this Idempotency-Key is still running. Try again in a moment.',
  },
  idempotency_key_expired: {
    http: 409,
    grpc: grpcStatus.ALREADY_EXISTS,
    title:
      'This Idempotency-Key was used more than 30 days ago; its answer is no longer kept. This call charged nothing; payment_id names what the first one made.',
  },
  state_conflict: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'The object changed in the meantime or is in a state that does not allow this.',
  },
  operation_pending: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'Another operation on this payment is not settled yet. Try again when it is.',
  },
  payment_not_paid: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'The payment was created and not paid yet.',
  },
  payment_in_progress: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'The outcome of the payment is not known yet.',
  },
  payment_not_created: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'Only a payment that was created and not tried yet can be authorised.',
  },
  already_captured: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'The payment is captured; nothing is held any more. Give money back with a refund.',
  },
  not_captured: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'Nothing was captured that could be given back. Release a hold by canceling the payment.',
  },
  already_refunded: { http: 409, grpc: grpcStatus.ABORTED, title: 'Everything was given back already.' },
  payment_canceled: { http: 409, grpc: grpcStatus.ABORTED, title: 'The payment was canceled.' },
  payment_has_failed: { http: 409, grpc: grpcStatus.ABORTED, title: 'The payment failed; nothing is held.' },
  hold_expired: { http: 409, grpc: grpcStatus.ABORTED, title: 'The hold has lapsed.' },
  payment_disputed: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'The payment is disputed; the bank decides where the money goes.',
  },
  quote_expired: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'The quote no longer holds. The new quote says the price now.',
  },
  last_owner: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'A hotel needs an owner. Make somebody else an owner first.',
  },
  onboarding_incomplete: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'Something is still missing before the hotel can be submitted.',
  },
  already_member: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'That person works at this hotel already.',
  },
  account_exists: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'There is an account for this address already. Log in and accept the invitation.',
  },
  role_in_use: {
    http: 409,
    grpc: grpcStatus.ABORTED,
    title: 'Members still have this role. Give them another one first.',
  },
  link_expired: {
    http: 410,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'This link was used already or is no longer valid. Ask for a new one.',
  },
  payload_too_large: {
    http: 413,
    grpc: grpcStatus.RESOURCE_EXHAUSTED,
    title: 'The body is larger than 256 KiB.',
  },
  unsupported_media_type: {
    http: 415,
    grpc: grpcStatus.INVALID_ARGUMENT,
    title: 'Send the body as application/json in UTF-8, without a content encoding.',
  },
  idempotency_key_reused: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'This Idempotency-Key was used before with a different request. Nothing was charged by this call.',
  },
  amount_exceeds_hold: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'That is more than can still be captured. What is pending counts as used.',
  },
  amount_exceeds_captured: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'That is more than can still be given back. What is pending counts as used.',
  },
  amount_unchanged: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The hold has that amount already.',
  },
  currency_mismatch: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The currency is not that of the payment.',
  },
  not_supported: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The provider, or this hold, does not allow that.',
  },
  refund_window_over: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The provider no longer gives back money of this payment.',
  },
  quote_mismatch: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'Amount or currency is not that of the quote.',
  },
  quote_not_priced: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'An item, discount or currency is not in the pricing.',
  },
  card_data_not_allowed: {
    http: 422,
    grpc: grpcStatus.INVALID_ARGUMENT,
    title: 'A field holds what looks like a card number. Card data must only be entered in the card vault.',
  },
  url_not_allowed: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'This URL is not allowed. Give a public https address.',
  },
  descriptor_not_allowed: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'A connected provider does not take this statement descriptor.',
  },
  contrast_too_low: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'These colours are too alike to be read.',
  },
  image_not_usable: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'This is no picture that can be used. Send a PNG, JPEG or WebP of at most 4,096 pixels a side.',
  },
  method_not_accepted: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The hotel does not accept this way to pay, or not in this currency.',
  },
  currency_not_supported: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The provider account does not take this currency.',
  },
  amount_not_allowed: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The provider cannot charge this amount in this currency.',
  },
  provider_account_missing: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'No usable provider account of that kind is connected in this mode.',
  },
  provider_credentials_rejected: {
    http: 422,
    grpc: grpcStatus.FAILED_PRECONDITION,
    title: 'The provider did not accept these credentials.',
  },
  too_many_requests: {
    http: 429,
    grpc: grpcStatus.RESOURCE_EXHAUSTED,
    title: 'Too many requests. Slow down.',
  },
  too_many_attempts: {
    http: 429,
    grpc: grpcStatus.RESOURCE_EXHAUSTED,
    title: 'Too many attempts. Wait, or reset your password.',
  },
  headers_too_large: {
    http: 431,
    grpc: grpcStatus.RESOURCE_EXHAUSTED,
    title: 'The request headers are too large.',
  },
  internal: { http: 500, grpc: grpcStatus.INTERNAL, title: 'Something went wrong on our side.' },
  unavailable: {
    http: 503,
    grpc: grpcStatus.UNAVAILABLE,
    title: 'The service cannot take this request right now. Nothing was done; try again.',
  },
  provider_unreachable: {
    http: 503,
    grpc: grpcStatus.UNAVAILABLE,
    title: 'The provider could not be reached. Nothing was sent; try again.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** Which field and why; `field` is a path such as `guest.email` or the name of a header. */
export type FieldError = { field: string; reason: string };

export type AppErrorOptions = {
  /** Public: what exactly, in this case. */
  detail?: string;
  errors?: readonly FieldError[];
  /** Seconds, sent as Retry-After. */
  retryAfterSeconds?: number;
  /** Public members added to the problem document, for example the id of the object that is meant. */
  extra?: Readonly<Record<string, unknown>>;
  /** Internal words, for the log only. */
  internal?: string;
  cause?: unknown;
};

/** A refusal with its own name. The door maps it to HTTP or gRPC; nothing inside does. */
export class AppError extends Error {
  override name = 'AppError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.internal ?? options.detail ?? ERRORS[code].title, { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.extra = options.extra ?? {};
  }
}

/** Whether the text is one of our codes; for errors that arrive from another service. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** The RFC 9457 document of a refusal. */
export function toProblem(error: AppError, requestId: string): Record<string, unknown> {
  const spec = ERRORS[error.code];
  const standard = {
    type: `urn:centra-payments:error:${error.code}`,
    title: spec.title,
    status: spec.http,
    code: error.code,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    ...(error.errors.length === 0 ? {} : { errors: error.errors }),
    request_id: requestId,
  };
  // Twice: the first keeps the order in which people read them, the last lets no extra member replace one.
  return { ...standard, ...error.extra, ...standard };
}

/** For JSON.stringify: an amount among a refusal's extra members must not turn the refusal into a fault. */
export function bigintAsText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
