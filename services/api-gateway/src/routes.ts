import { isScope } from '@centra/service-kit/permissions.ts';
import type { Permission } from '@centra/service-kit/permissions.ts';
import type { LimitName } from './limits.ts';

export type UpstreamName = 'auth' | 'merchant' | 'payment-api';
export type Method = 'GET' | 'POST' | 'DELETE';

/**
 * Whom a route is for: whoever works for a hotel, by key or in person; its people only; a person for themselves; the guest
 * of one payment; anyone. `edge/doors.ts` says what each takes and gives.
 */
export type Door = 'hotel' | 'staff' | 'person' | 'guest' | 'public';

export type Route = {
  method: Method;
  /** Segments after `:` are ids; everything else matches letter by letter. */
  path: string;
  upstream: UpstreamName;
  /** What the credential must be allowed to do at the hotel, or who may ask instead. */
  scope: Permission | 'self' | 'checkout' | 'public';
  /** Follows from the scope. */
  door: Door;
  limit: LimitName;
  /** `json`: must have a body; `optional`: may; `none`: must not. `raw`: JSON of any spelling; `form`: as browsers send it. */
  body: 'json' | 'optional' | 'none' | 'raw' | 'form';
  /** Whether a caller who lost the answer may simply repeat the request: reads, POSTs with an Idempotency-Key, events. */
  idempotent: boolean;
  /** A header of the caller that only this route passes on. */
  header?: string;
  /** Answers with a page for people, which says itself what it may load, and whose address is a secret. */
  page?: true;
  /** Answers with a picture that pages of other origins show: it says itself who may load it. */
  picture?: true;
  /** How long the whole answer may take where that is longer than its upstream's usual, milliseconds. */
  timeoutMs?: number;
};

/** Instead of a permission: needs no credential, so the service behind must tell who it is itself. */
export const PUBLIC = 'public';
/** Instead of a permission: a person with an access token, for what is their own, whatever hotel they work at. */
export const SELF = 'self';
/** Instead of a permission: the client secret of one payment, which a guest's browser holds. */
export const CHECKOUT = 'checkout';

const IDEMPOTENT = { idempotent: true } as const;
// A year of history as a file; the service itself ends it after a minute.
const EXPORT = { timeoutMs: 65_000 } as const;
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
  route('POST', '/v1/payments/:id/client-secret', 'payment-api', 'payments:write', 'default', {
    body: 'none',
  }),
  // A guest's own payment, for the page that their browser shows.
  route('GET', '/v1/checkout/payments/:id', 'payment-api', CHECKOUT, 'checkout'),
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
  route('POST', '/v1/provider-accounts/:id', 'merchant', 'provider_accounts:write', 'admin'),
  route('GET', '/v1/provider-accounts/:id/tests', 'merchant', 'provider_accounts:read', 'admin'),

  route('GET', '/v1/organisations', 'merchant', SELF, 'person'),
  route('POST', '/v1/organisations', 'merchant', SELF, 'person'),
  route('GET', '/v1/organisations/:id', 'merchant', SELF, 'person'),
  route('POST', '/v1/organisations/:id', 'merchant', SELF, 'person'),
  route('GET', '/v1/organisations/:id/merchants', 'merchant', SELF, 'person'),
  route('GET', '/v1/organisations/:id/audit-log', 'merchant', SELF, 'person'),
  route('GET', '/v1/organisations/:id/owners', 'merchant', SELF, 'person'),
  route('POST', '/v1/organisations/:id/owners', 'merchant', SELF, 'person'),
  route('DELETE', '/v1/organisations/:id/owners/:user', 'merchant', SELF, 'person'),
  route('GET', '/v1/merchants', 'merchant', SELF, 'person'),
  route('POST', '/v1/merchants', 'merchant', SELF, 'person'),
  route('GET', '/v1/merchants/:id', 'merchant', 'merchants:read', 'admin'),
  route('POST', '/v1/merchants/:id', 'merchant', 'merchants:write', 'admin'),
  route('POST', '/v1/merchants/:id/submit', 'merchant', 'merchants:write', 'admin', { body: 'none' }),
  route('POST', '/v1/merchants/:id/close', 'merchant', 'merchants:write', 'admin'),
  // A picture for pages of guests, who have no credential.
  route('GET', '/v1/merchants/:id/logo', 'merchant', PUBLIC, 'pages', {
    header: 'if-none-match',
    picture: true,
  }),
  route('POST', '/v1/merchants/:id/logo', 'merchant', 'merchants:write', 'admin'),
  route('DELETE', '/v1/merchants/:id/logo', 'merchant', 'merchants:write', 'admin'),

  route('GET', '/v1/routing-rules', 'merchant', 'routing_rules:read', 'admin'),
  route('POST', '/v1/routing-rules', 'merchant', 'routing_rules:write', 'admin'),
  route('POST', '/v1/routing-rules/order', 'merchant', 'routing_rules:write', 'admin'),
  route('POST', '/v1/routing-rules/dry-run', 'merchant', 'routing_rules:read', 'admin'),
  route('GET', '/v1/routing-rules/:id', 'merchant', 'routing_rules:read', 'admin'),
  route('POST', '/v1/routing-rules/:id', 'merchant', 'routing_rules:write', 'admin'),
  route('DELETE', '/v1/routing-rules/:id', 'merchant', 'routing_rules:write', 'admin'),

  route('GET', '/v1/webhook-endpoints', 'merchant', 'webhook_endpoints:read', 'admin'),
  route('POST', '/v1/webhook-endpoints', 'merchant', 'webhook_endpoints:write', 'admin'),
  route('GET', '/v1/webhook-endpoints/:id', 'merchant', 'webhook_endpoints:read', 'admin'),
  route('POST', '/v1/webhook-endpoints/:id', 'merchant', 'webhook_endpoints:write', 'admin'),
  route('DELETE', '/v1/webhook-endpoints/:id', 'merchant', 'webhook_endpoints:write', 'admin'),
  route('POST', '/v1/webhook-endpoints/:id/rotate-secret', 'merchant', 'webhook_endpoints:write', 'admin', {
    body: 'optional',
  }),
  route('POST', '/v1/webhook-endpoints/:id/test', 'merchant', 'webhook_endpoints:write', 'admin', {
    body: 'none',
  }),

  route('GET', '/v1/audit-log', 'merchant', 'audit_log:read', 'admin'),
  route('GET', '/v1/audit-log/export', 'merchant', 'audit_log:read', 'admin', EXPORT),

  route('GET', '/v1/merchants/:merchant/members', 'auth', 'users:read', 'admin'),
  route('GET', '/v1/merchants/:merchant/members/:id', 'auth', 'users:read', 'admin'),
  route('POST', '/v1/merchants/:merchant/members/:id/role', 'auth', 'users:write', 'admin'),
  route('POST', '/v1/merchants/:merchant/members/:id/suspend', 'auth', 'users:write', 'admin', {
    body: 'none',
  }),
  route('POST', '/v1/merchants/:merchant/members/:id/restore', 'auth', 'users:write', 'admin', {
    body: 'none',
  }),
  route('DELETE', '/v1/merchants/:merchant/members/:id', 'auth', 'users:write', 'admin'),
  route('POST', '/v1/merchants/:merchant/transfer-ownership', 'auth', 'users:write', 'admin'),
  route('GET', '/v1/merchants/:merchant/invitations', 'auth', 'users:read', 'admin'),
  route('POST', '/v1/merchants/:merchant/invitations', 'auth', 'users:write', 'admin'),
  route('POST', '/v1/merchants/:merchant/invitations/:id/resend', 'auth', 'users:write', 'admin', {
    body: 'none',
  }),
  route('DELETE', '/v1/merchants/:merchant/invitations/:id', 'auth', 'users:write', 'admin'),
  // Whoever holds the link of the mail; accepting also takes the person that it was sent to.
  route('POST', '/v1/invitations/preview', 'auth', PUBLIC, 'logins'),
  route('POST', '/v1/invitations/register', 'auth', PUBLIC, 'logins'),
  route('POST', '/v1/invitations/accept', 'auth', SELF, 'person'),

  route('GET', '/.well-known/jwks.json', 'auth', PUBLIC, 'pages'),
  route('POST', '/v1/auth/register', 'auth', PUBLIC, 'logins'),
  route('POST', '/v1/auth/verify-email', 'auth', PUBLIC, 'logins'),
  route('POST', '/v1/auth/verify-email/resend', 'auth', PUBLIC, 'logins'),
  route('POST', '/v1/auth/login', 'auth', PUBLIC, 'logins'),
  route('POST', '/v1/auth/login/factor', 'auth', PUBLIC, 'logins'),
  route('POST', '/v1/auth/refresh', 'auth', PUBLIC, 'logins'),
  route('POST', '/v1/auth/password/forgot', 'auth', PUBLIC, 'logins'),
  route('POST', '/v1/auth/password/reset', 'auth', PUBLIC, 'logins'),

  route('GET', '/v1/auth/me', 'auth', SELF, 'person'),
  route('POST', '/v1/auth/me', 'auth', SELF, 'person'),
  route('POST', '/v1/auth/logout', 'auth', SELF, 'person', { body: 'none' }),
  route('POST', '/v1/auth/password', 'auth', SELF, 'person'),
  route('GET', '/v1/auth/sessions', 'auth', SELF, 'person'),
  route('DELETE', '/v1/auth/sessions/:id', 'auth', SELF, 'person'),
  route('GET', '/v1/auth/factors', 'auth', SELF, 'person'),
  route('POST', '/v1/auth/factors', 'auth', SELF, 'person'),
  route('POST', '/v1/auth/factors/recovery-codes', 'auth', SELF, 'person'),
  route('POST', '/v1/auth/factors/:id/confirm', 'auth', SELF, 'person'),
  route('POST', '/v1/auth/factors/:id/remove', 'auth', SELF, 'person'),

  route('GET', '/v1/users', 'auth', 'users:read', 'admin'),
  route('GET', '/v1/users/:id', 'auth', 'users:read', 'admin'),
  route('POST', '/v1/users/:id/role', 'auth', 'users:write', 'admin'),
  route('POST', '/v1/users/:id/suspend', 'auth', 'users:write', 'admin', { body: 'none' }),
  route('POST', '/v1/users/:id/restore', 'auth', 'users:write', 'admin', { body: 'none' }),
  route('DELETE', '/v1/users/:id', 'auth', 'users:write', 'admin'),
  route('GET', '/v1/roles', 'auth', 'roles:read', 'admin'),
  route('POST', '/v1/roles', 'auth', 'roles:write', 'admin'),
  route('GET', '/v1/roles/:id', 'auth', 'roles:read', 'admin'),
  route('POST', '/v1/roles/:id', 'auth', 'roles:write', 'admin'),
  route('DELETE', '/v1/roles/:id', 'auth', 'roles:write', 'admin'),
  route('GET', '/v1/security', 'auth', 'security:read', 'admin'),
  route('POST', '/v1/security', 'auth', 'security:write', 'admin'),

  route('POST', '/v1/api-keys', 'auth', 'api_keys:write', 'admin'),
  route('GET', '/v1/api-keys', 'auth', 'api_keys:read', 'admin'),
  route('GET', '/v1/api-keys/:id', 'auth', 'api_keys:read', 'admin'),
  route('DELETE', '/v1/api-keys/:id', 'auth', 'api_keys:write', 'admin'),
  route('GET', '/v1/api-keys/:id/usage', 'auth', 'api_keys:read', 'admin'),
  route('POST', '/v1/api-keys/:id/rotate', 'auth', 'api_keys:write', 'admin'),
];

function route(
  method: Method,
  path: string,
  upstream: UpstreamName,
  scope: Route['scope'],
  limit: LimitName,
  special: Partial<Pick<Route, 'body' | 'idempotent' | 'header' | 'page' | 'timeoutMs' | 'picture'>> = {},
): Route {
  const body = method === 'POST' ? 'json' : 'none';
  const idempotent = method === 'GET';
  return { method, path, upstream, scope, door: doorOf(scope), limit, body, idempotent, ...special };
}

function doorOf(scope: Route['scope']): Door {
  switch (scope) {
    case PUBLIC:
      return 'public';
    case SELF:
      return 'person';
    case CHECKOUT:
      return 'guest';
    default:
      return isScope(scope) ? 'hotel' : 'staff';
  }
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
  const mayCrossOrigins = group.some((each) => each.door !== 'public');
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
