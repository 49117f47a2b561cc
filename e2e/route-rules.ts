// Who may do what, said a second time: from what the product promises, not from the gateway's own table. A line that differs
// from it fails a test, and so does a route that is in one of them only.

/** What somebody may be allowed to do at a hotel. */
export type Permission = `${string}:${string}`;

/** A permission; or a person for themselves, the guest of one payment, or anyone at all. */
export type Rule = Permission | 'person' | 'guest' | 'anyone';

/** By method and path, as in the OpenAPI document. */
export const RULES: Readonly<Record<string, Rule>> = {
  'GET /v1/session': 'payments:write',
  'POST /v1/charge': 'payments:write',
  'GET /v1/payments': 'payments:read',
  'POST /v1/payments': 'payments:write',
  'GET /v1/payments/{id}': 'payments:read',
  'GET /v1/payments/{id}/status': 'payments:read',
  'GET /v1/payments/{id}/events': 'payments:read',
  'GET /v1/payments/{id}/refunds': 'payments:read',
  'POST /v1/payments/{id}/authorize': 'payments:write',
  'POST /v1/payments/{id}/capture': 'payments:write',
  'POST /v1/payments/{id}/cancel': 'payments:write',
  'POST /v1/payments/{id}/adjust': 'payments:write',
  'POST /v1/payments/{id}/refund': 'refunds:write',
  'POST /v1/payments/{id}/client-secret': 'payments:write',
  'GET /v1/checkout/payments/{id}': 'guest',
  'GET /v1/refunds': 'payments:read',
  'GET /v1/refunds/{id}': 'payments:read',
  'GET /v1/disputes': 'payments:read',
  'GET /v1/disputes/{id}': 'payments:read',
  'POST /v1/quotes': 'payments:write',
  'GET /v1/quotes/{id}': 'payments:read',
  'GET /v1/unknown-operations': 'operations:read',
  'POST /v1/unknown-operations/{id}/settle': 'operations:settle',
  'GET /v1/provider-events': 'operations:read',
  'POST /v1/provider-events/{id}/replay': 'operations:settle',
  'POST /v1/webhooks/stripe/{account}': 'anyone',
  'POST /v1/stripe/events': 'anyone',
  'GET /v1/simulator/challenges/{token}': 'anyone',
  'POST /v1/simulator/challenges/{token}': 'anyone',
  'GET /v1/providers': 'provider_accounts:read',
  'POST /v1/provider-accounts': 'provider_accounts:write',
  'GET /v1/provider-accounts': 'provider_accounts:read',
  'POST /v1/provider-accounts/test': 'provider_accounts:write',
  'GET /v1/provider-accounts/{id}': 'provider_accounts:read',
  'DELETE /v1/provider-accounts/{id}': 'provider_accounts:write',
  'POST /v1/provider-accounts/{id}/test': 'provider_accounts:write',
  'POST /v1/provider-accounts/{id}/rotate': 'provider_accounts:write',
  'GET /.well-known/jwks.json': 'anyone',
  'POST /v1/auth/register': 'anyone',
  'POST /v1/auth/verify-email': 'anyone',
  'POST /v1/auth/verify-email/resend': 'anyone',
  'POST /v1/auth/login': 'anyone',
  'POST /v1/auth/login/factor': 'anyone',
  'POST /v1/auth/refresh': 'anyone',
  'POST /v1/auth/password/forgot': 'anyone',
  'POST /v1/auth/password/reset': 'anyone',
  'GET /v1/auth/me': 'person',
  'POST /v1/auth/me': 'person',
  'POST /v1/auth/password': 'person',
  'GET /v1/auth/sessions': 'person',
  'DELETE /v1/auth/sessions/{id}': 'person',
  'GET /v1/auth/factors': 'person',
  'POST /v1/auth/factors': 'person',
  'POST /v1/auth/factors/recovery-codes': 'person',
  'POST /v1/auth/factors/{id}/confirm': 'person',
  'POST /v1/auth/factors/{id}/remove': 'person',
  'GET /v1/users': 'users:read',
  'GET /v1/users/{id}': 'users:read',
  'POST /v1/users/{id}/role': 'users:write',
  'POST /v1/users/{id}/suspend': 'users:write',
  'POST /v1/users/{id}/restore': 'users:write',
  'DELETE /v1/users/{id}': 'users:write',
  'GET /v1/roles': 'roles:read',
  'POST /v1/roles': 'roles:write',
  'GET /v1/roles/{id}': 'roles:read',
  'POST /v1/roles/{id}': 'roles:write',
  'DELETE /v1/roles/{id}': 'roles:write',
  'GET /v1/security': 'security:read',
  'POST /v1/security': 'security:write',
  'POST /v1/api-keys': 'api_keys:write',
  'GET /v1/api-keys': 'api_keys:read',
  'GET /v1/api-keys/{id}': 'api_keys:read',
  'DELETE /v1/api-keys/{id}': 'api_keys:write',
  'GET /v1/api-keys/{id}/usage': 'api_keys:read',
  'POST /v1/api-keys/{id}/rotate': 'api_keys:write',
  // Last: it ends the session that the others need.
  'POST /v1/auth/logout': 'person',
};

/** What an API key may hold, each alone or all together. */
export const KEY_PERMISSIONS: readonly Permission[] = [
  'payments:read',
  'payments:write',
  'refunds:write',
  'operations:read',
  'operations:settle',
  'provider_accounts:read',
  'provider_accounts:write',
  'api_keys:read',
  'api_keys:write',
];

/** What only people may hold: a stolen key makes itself no colleagues. */
export const PEOPLE_PERMISSIONS: readonly Permission[] = [
  'users:read',
  'users:write',
  'roles:read',
  'roles:write',
  'security:read',
  'security:write',
];

const EVERYTHING: readonly Permission[] = [...KEY_PERMISSIONS, ...PEOPLE_PERMISSIONS];

/** The roles that every hotel has. */
export const ROLES: Readonly<Record<string, readonly Permission[]>> = {
  owner: EVERYTHING,
  admin: EVERYTHING,
  manager: [
    'payments:read',
    'payments:write',
    'refunds:write',
    'operations:read',
    'operations:settle',
    'provider_accounts:read',
    'api_keys:read',
    'users:read',
    'roles:read',
    'security:read',
  ],
  staff: ['payments:read', 'payments:write'],
};
