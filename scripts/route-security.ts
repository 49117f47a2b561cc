import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import type { CredentialKind } from '../services/api-gateway/src/edge/credential.ts';
import { DOORS } from '../services/api-gateway/src/edge/doors.ts';
import type { Method, Route } from '../services/api-gateway/src/routes.ts';

/** How each credential is called in the document; all three travel as `Authorization: Bearer`. */
const SCHEMES = {
  api_key: 'apiKey',
  access_token: 'accessToken',
  client_secret: 'clientSecret',
} as const satisfies Record<CredentialKind, string>;

export const securitySchemes = {
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    description: "A hotel's secret API key: `ck_test_…` moves no money, `ck_live_…` does.",
  },
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'What a person gets by logging in, for one hotel and mode. Another hotel is another token: refresh with its `merchant_id`.',
  },
  clientSecret: {
    type: 'http',
    scheme: 'bearer',
    description: 'For the browser of a guest: `cs_test_…` or `cs_live_…`. Opens one payment for an hour.',
  },
} as const;

const METHODS = ['get', 'post', 'delete'] as const satisfies readonly Lowercase<Method>[];

/**
 * The same paths with the credentials that the gateway takes and the permission that it asks for, as its table says. Throws
 * where a description says it by itself: two sources would differ one day.
 */
export function withSecurity(paths: ZodOpenApiPathsObject, routes: readonly Route[]): ZodOpenApiPathsObject {
  const secured: ZodOpenApiPathsObject = {};
  for (const [path, item] of Object.entries(paths)) {
    const changed = { ...item };
    for (const method of METHODS) {
      const operation = item[method];
      const route = routes.find((each) => pathOf(each) === path && each.method.toLowerCase() === method);
      if (operation !== undefined && route !== undefined)
        changed[method] = securedOperation(operation, route);
    }
    secured[path] = changed;
  }
  return secured;
}

/** The path of a route as OpenAPI writes it. */
export function pathOf(route: Route): string {
  return route.path.replaceAll(/:(\w+)/g, '{$1}');
}

function securedOperation(operation: ZodOpenApiOperationObject, route: Route): ZodOpenApiOperationObject {
  if (operation.security !== undefined)
    throw new Error(`${route.method} ${route.path} describes its own security; the gateway's routes do that`);
  const own = operation.description === undefined ? '' : `${operation.description}\n\n`;
  return {
    ...operation,
    description: own + needs(route),
    security: DOORS[route.door].takes.map((kind) => ({ [SCHEMES[kind]]: [] })),
  };
}

/** One sentence on what a caller needs. */
export function needs({ door, scope }: Pick<Route, 'door' | 'scope'>): string {
  switch (door) {
    case 'hotel':
      return `Needs the permission \`${scope}\`, of an API key or of a person at the hotel.`;
    case 'staff':
      return `Needs the permission \`${scope}\`, of a person at the hotel; API keys do not have it.`;
    case 'person':
      return 'Needs an access token, for whatever hotel or none.';
    case 'guest':
      return 'Needs the client secret of this object.';
    case 'public':
      return 'Needs no credential.';
    default:
      throw new Error(`unknown door ${String(door satisfies never)}`);
  }
}
