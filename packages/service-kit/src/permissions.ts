/**
 * Everything that somebody may be allowed to do at a hotel, `resource:action`. A route names exactly one of them, a role
 * is a set of them, and so is an API key.
 */
export const PERMISSIONS = [
  'payments:read',
  'payments:write',
  'refunds:write',
  'operations:read',
  'operations:settle',
  'provider_accounts:read',
  'provider_accounts:write',
  'routing_rules:read',
  'routing_rules:write',
  'webhook_endpoints:read',
  'webhook_endpoints:write',
  'audit_log:read',
  'merchants:read',
  'merchants:write',
  'api_keys:read',
  'api_keys:write',
  'users:read',
  'users:write',
  'roles:read',
  'roles:write',
  'security:read',
  'security:write',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/**
 * What only a person may do: a stolen API key must not make itself colleagues, switch the second factor off, or close the
 * hotel.
 */
const PEOPLE_ONLY = [
  'merchants:write',
  'users:read',
  'users:write',
  'roles:read',
  'roles:write',
  'security:read',
  'security:write',
] as const satisfies readonly Permission[];

/** What an API key may hold. */
export type Scope = Exclude<Permission, (typeof PEOPLE_ONLY)[number]>;

export const SCOPES: readonly Scope[] = PERMISSIONS.filter(isScope);

/** Whether an API key may hold the permission. */
export function isScope(permission: Permission): permission is Scope {
  return !PEOPLE_ONLY.some((each) => each === permission);
}

/** Whether the text is one of our permissions. */
export function isPermission(text: string): text is Permission {
  return PERMISSIONS.some((each) => each === text);
}

/**
 * The roles that every hotel has. Owner and admin may do the same; but only an owner makes, changes or removes an owner, and
 * a hotel always keeps one.
 */
export const BUILT_IN_ROLES = {
  owner: PERMISSIONS,
  admin: PERMISSIONS,
  manager: [
    'payments:read',
    'payments:write',
    'refunds:write',
    'operations:read',
    'operations:settle',
    'provider_accounts:read',
    'provider_accounts:write',
    'routing_rules:read',
    'routing_rules:write',
    'webhook_endpoints:read',
    'webhook_endpoints:write',
    'merchants:read',
    'api_keys:read',
    'api_keys:write',
    'users:read',
    'roles:read',
    'security:read',
  ],
  staff: ['payments:read', 'payments:write'],
} as const satisfies Record<string, readonly Permission[]>;

export type BuiltInRole = keyof typeof BUILT_IN_ROLES;

/** Whether the text names a role that every hotel has. */
export function isBuiltInRole(text: string): text is BuiltInRole {
  return Object.hasOwn(BUILT_IN_ROLES, text);
}
