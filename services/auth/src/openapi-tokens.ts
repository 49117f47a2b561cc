import { answer } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { publicRefusals } from './openapi-parts.ts';

const jwkSchema = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string().meta({ example: 'WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis' }),
  y: z.string().meta({ example: 'y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE' }),
  kid: z.string().meta({ description: 'Thumbprint of the key (RFC 7638)' }),
  use: z.literal('sig'),
  alg: z.literal('ES256'),
});

const jwksSchema = z
  .object({ keys: z.array(jwkSchema) })
  .meta({ id: 'JsonWebKeySet', description: 'Public keys (RFC 7517)' });

const headers = z.object({ 'Cache-Control': z.literal('public, max-age=300') });

export const paths: ZodOpenApiPathsObject = {
  '/.well-known/jwks.json': {
    get: {
      operationId: 'getJsonWebKeySet',
      tags: ['Sessions'],
      summary: 'Read the keys that access tokens are signed with',
      description:
        'A new key is published ten minutes before it signs, and an old one until its last token has expired. A good ' +
        'signature says who was logged in when the token was made; what they may do, and whether they still may, only this API knows.',
      responses: { '200': answer('The key set', jwksSchema, headers), ...publicRefusals },
    },
  },
};
