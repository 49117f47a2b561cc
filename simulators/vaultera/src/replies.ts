/** A whole answer, built before a byte of it is sent, so that a fault can still cut, delay or replace it. */
export type Reply = {
  status: number;
  reason?: string;
  headers: Record<string, string | string[]>;
  body: Buffer;
};

export type ErrorDetails = Record<string, string[]>;

/** A refusal of the proxy itself (never of a target). */
export class VaulteraError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: ErrorDetails | undefined;

  constructor(status: number, code: string, title: string, details?: ErrorDetails) {
    super(title);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export function jsonReply(status: number, value: unknown): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
    body: Buffer.from(JSON.stringify(value)),
  };
}

export function emptyReply(status: number): Reply {
  return { status, headers: {}, body: Buffer.alloc(0) };
}

/**
 * A page that may be framed by any site (hence no frame-ancestors), runs only its own script and talks only to
 * its own origin. `no-referrer` keeps the session token in the address out of other logs.
 */
export function htmlReply(status: number, html: string, nonce: string): Reply {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy.join('; '),
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    body: Buffer.from(html),
  };
}

export function badRequest(title: string): VaulteraError {
  return new VaulteraError(400, 'bad_request', title);
}

export function notFound(): VaulteraError {
  return new VaulteraError(404, 'resource_not_found', 'Resource Not Found');
}

export function invalid(details: ErrorDetails): VaulteraError {
  return new VaulteraError(422, 'validation_error', 'Validation Error', details);
}
