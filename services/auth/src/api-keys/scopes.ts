/** What a key may do, `resource:action`. A route asks for exactly one of them. */
export const SCOPES = [
  'payments:read',
  'payments:write',
  'refunds:write',
  'operations:read',
  'operations:settle',
  'provider_accounts:read',
  'provider_accounts:write',
  'api_keys:read',
  'api_keys:write',
] as const;

export type Scope = (typeof SCOPES)[number];
