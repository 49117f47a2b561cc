import type { LimitName } from './limits.ts';

export type UpstreamName = 'auth' | 'merchant' | 'payment-api';
export type Method = 'GET' | 'POST' | 'DELETE';

export type Route = {
  method: Method;
  /** Segments after `:` are ids; everything else matches letter by letter. */
  path: string;
  upstream: UpstreamName;
  /** What the credential must be allowed to do; `public` needs none, so the service behind must tell who it is itself. */
  scope: string;
  limit: LimitName;
  /** `json`: must have a body; `optional`: may; `none`: must not. `raw`: JSON of any spelling; `form`: as browsers send it. */
  body: 'json' | 'optional' | 'none' | 'raw' | 'form';
  /** Whether a caller who lost the answer may simply repeat the request: reads, POSTs with an Idempotency-Key, events. */
  idempotent: boolean;
  /** A header of the caller that only this route passes on. */
  header?: string;
  /** Answers with a page for people, which says itself what it may load, and whose address is a secret. */
  page?: true;
};

/** Instead of a scope: needs no credential. */
export const PUBLIC = 'public';

const IDEMPOTENT = { idempotent: true } as const;
const STRIPE_EVENT = { body: 'raw', idempotent: true, header: 'stripe-signature' } as const;

/** All that the public may reach. What is not here is 404. `/api/v1/…` is an alias of `/v1/…`. */
export const ROUTES: readonly Route[] = [
  route('GET', '/v1/session', 'payment-api', 'payments:write', 'default'),
  route('POST', '/v1/charge', 'payment-api', 'payments:write', 'payments', IDEMPOTENT),
  route('GET', '/v1/payments', 'payment-api', 'payments:read', 'default'),
  route('POST', '/v1/payments', 'payment-api', 'payments:write', 'payments', IDEMPOTENT),
  route('GET', '/v1/payments/:id', 'payment-api', 'payments:read', 'default'),
  route('GET', '/v1/payments/:id/status', 'payment-api', 'payments:read', 'default'),
  route('GET', '/v1/payments/:id/events', 'payment-api', 'payments:read', 'default'),
  route('GET', '/v1/payments/:id/refunds', 'payment-api', 'payments:read', 'default'),
  route('POST', '/v1/payments/:id/authorize', 'payment-api', 'payments:write', 'payments', IDEMPOTENT),
  route('POST', '/v1/payments/:id/capture', 'payment-api', 'payments:write', 'payments', IDEMPOTENT),
  route('POST', '/v1/payments/:id/cancel', 'payment-api', 'payments:write', 'payments', {
    body: 'optional',
    idempotent: true,
  }),
  route('POST', '/v1/payments/:id/adjust', 'payment-api', 'payments:write', 'payments', IDEMPOTENT),
  route('POST', '/v1/payments/:id/refund', 'payment-api', 'refunds:write', 'payments', IDEMPOTENT),
  route('GET', '/v1/refunds', 'payment-api', 'payments:read', 'default'),
  route('GET', '/v1/refunds/:id', 'payment-api', 'payments:read', 'default'),
  route('GET', '/v1/disputes', 'payment-api', 'payments:read', 'default'),
  route('GET', '/v1/disputes/:id', 'payment-api', 'payments:read', 'default'),
  route('POST', '/v1/quotes', 'payment-api', 'payments:write', 'default'),
  route('GET', '/v1/quotes/:id', 'payment-api', 'payments:read', 'default'),

  route('GET', '/v1/unknown-operations', 'payment-api', 'operations:read', 'admin'),
  route('POST', '/v1/unknown-operations/:id/settle', 'payment-api', 'operations:settle', 'admin'),
  route('GET', '/v1/provider-events', 'payment-api', 'operations:read', 'admin'),
  route('POST', '/v1/provider-events/:id/replay', 'payment-api', 'operations:settle', 'admin', {
    body: 'optional',
  }),

  // A provider proves by its signature that an event is its own; transaction checks it against the account's secret.
  route('POST', '/v1/webhooks/stripe/:account', 'payment-api', PUBLIC, 'webhooks', STRIPE_EVENT),
  route('POST', '/v1/stripe/events', 'payment-api', PUBLIC, 'webhooks', STRIPE_EVENT),
  // The built-in simulator's bank. Whoever has the token of the address is the guest.
  route('GET', '/v1/simulator/challenges/:token', 'payment-api', PUBLIC, 'pages', { page: true }),
  route('POST', '/v1/simulator/challenges/:token', 'payment-api', PUBLIC, 'pages', {
    body: 'form',
    idempotent: true,
    page: true,
  }),

  route('GET', '/v1/providers', 'merchant', 'provider_accounts:read', 'admin'),
  route('POST', '/v1/provider-accounts', 'merchant', 'provider_accounts:write', 'admin'),
  route('GET', '/v1/provider-accounts', 'merchant', 'provider_accounts:read', 'admin'),
  route('POST', '/v1/provider-accounts/test', 'merchant', 'provider_accounts:write', 'admin'),
  route('GET', '/v1/provider-accounts/:id', 'merchant', 'provider_accounts:read', 'admin'),
  route('DELETE', '/v1/provider-accounts/:id', 'merchant', 'provider_accounts:write', 'admin'),
  route('POST', '/v1/provider-accounts/:id/test', 'merchant', 'provider_accounts:write', 'admin', {
    body: 'optional',
  }),
  route('POST', '/v1/provider-accounts/:id/rotate', 'merchant', 'provider_accounts:write', 'admin'),

  route('POST', '/v1/api-keys', 'auth', 'api_keys:write', 'admin'),
  route('GET', '/v1/api-keys', 'auth', 'api_keys:read', 'admin'),
  route('GET', '/v1/api-keys/:id', 'auth', 'api_keys:read', 'admin'),
  route('DELETE', '/v1/api-keys/:id', 'auth', 'api_keys:write', 'admin'),
];

function route(
  method: Method,
  path: string,
  upstream: UpstreamName,
  scope: string,
  limit: LimitName,
  special: Partial<Pick<Route, 'body' | 'idempotent' | 'header' | 'page'>> = {},
): Route {
  const body = method === 'POST' ? 'json' : 'none';
  return { method, path, upstream, scope, limit, body, idempotent: method === 'GET', ...special };
}

/** What stands at a path: its routes by method, and the value of its Allow header. */
export type KnownPath = {
  byMethod: ReadonlyMap<string, Route>;
  allow: string;
  /** Whether pages of hotels may call it at all: what needs no credential is not theirs to call. */
  mayCrossOrigins: boolean;
  /** What is logged instead of the path itself, where the path is a secret. */
  loggedAs: string | undefined;
};

// Every id of ours fits; dots, semicolons and percent signs do not, so no id is ever another path in disguise.
const ID_SEGMENT = /^[A-Za-z0-9_-]{1,64}$/;
const ALIAS_PREFIX = '/api';

/** `/api/v1/…` becomes `/v1/…`; any other path stays as it is. */
export function withoutAlias(path: string): string {
  return path.startsWith('/api/v1/') ? path.slice(ALIAS_PREFIX.length) : path;
}

/** Finds what stands at a path (without alias and query). Exact and case-sensitive; undefined is a 404. */
export function createPathTable(routes: readonly Route[]): (path: string) => KnownPath | undefined {
  const exact = new Map<string, KnownPath>();
  const patterns: { segments: string[]; known: KnownPath }[] = [];
  for (const [path, group] of Map.groupBy(routes, (each) => each.path)) {
    const known = toKnownPath(group);
    if (path.includes(':')) patterns.push({ segments: path.split('/'), known });
    else exact.set(path, known);
  }
  return (path) => {
    const found = exact.get(path);
    if (found !== undefined) return found;
    const segments = path.split('/');
    return patterns.find((pattern) => matches(pattern.segments, segments))?.known;
  };
}

function toKnownPath(group: readonly Route[]): KnownPath {
  const byMethod = new Map<string, Route>(group.map((each) => [each.method, each]));
  const methods = group.map((each) => (each.method === 'GET' ? 'GET, HEAD' : each.method));
  const get = byMethod.get('GET');
  // HEAD is GET without the body (RFC 9110 §9.3.2).
  if (get !== undefined) byMethod.set('HEAD', get);
  const mayCrossOrigins = group.some((each) => each.scope !== PUBLIC);
  const loggedAs = group.find((each) => each.page)?.path;
  return { byMethod, allow: [...methods, 'OPTIONS'].join(', '), mayCrossOrigins, loggedAs };
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((part, index) => {
    const segment = segments[index] ?? '';
    return part.startsWith(':') ? ID_SEGMENT.test(segment) : part === segment;
  });
}
