import { createDocument } from 'zod-openapi';
import { ROUTES } from '../services/api-gateway/src/routes.ts';
import { paths as authPaths } from '../services/auth/src/openapi.ts';
import { paths as merchantPaths } from '../services/merchant/src/openapi.ts';
import { paths as paymentPaths } from '../services/payment-api/src/openapi.ts';
import { pathOf, securitySchemes, withSecurity } from './route-security.ts';

const METHODS = ['get', 'post', 'delete', 'put', 'patch'] as const;

/**
 * The public API as OpenAPI 3.1, put together from the zod schemas that the services parse with; who may call what comes
 * from the gateway's routes. Throws when these and the described paths are not the same set: a route without a
 * description does not ship.
 */
export function createOpenApiDocument(): string {
  const paths = { ...paymentPaths, ...merchantPaths, ...authPaths };
  const described = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routed = ROUTES.map((route) => `${route.method} ${pathOf(route)}`);
  const undescribed = routed.filter((route) => !described.includes(route));
  const unrouted = described.filter((route) => !routed.includes(route));
  if (undescribed.length > 0 || unrouted.length > 0)
    throw new Error(
      `routes without description: ${undescribed.join(', ') || 'none'}; descriptions without route: ${unrouted.join(', ') || 'none'}`,
    );
  const document = createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Centra Payments',
      version: '0.1.0',
      description:
        'Take money from your guests through your own payment gateway account. Amounts are integers in minor units ' +
        '(cents for EUR, whole yen for JPY) with their currency beside them. Every refusal is an RFC 9457 problem document ' +
        'with a stable `code`.\n\n' +
        'A payment is held (`authorized`) or collected (`succeeded`), then captured, canceled, adjusted or refunded. Every ' +
        'request that moves money carries an `Idempotency-Key`: repeat it until you have an answer, and it runs once. 202 means ' +
        'not settled yet: read the payment, or repeat with the same key; never ask again with a new one. 402 means that the ' +
        'provider said no and nothing moved.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:8080', description: 'npm start' }],
    components: { securitySchemes },
    paths: withSecurity(paths, ROUTES),
  });
  return `${JSON.stringify(document, null, 2)}\n`;
}
