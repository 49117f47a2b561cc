import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { Answer, Call, Stand } from './start-with-doubles.ts';

/** A request as the gateway passes it on when the route needs no credential. */
export async function publicCall(stand: Stand, path: string, call: Call = {}): Promise<Answer> {
  const gateway = createSigner('api-gateway', stand.privateKeys['api-gateway'] ?? '');
  return await stand.call(path, {
    ...call,
    as: null,
    headers: {
      'x-centra-identity': gateway.serviceToken('payment-api'),
      'x-centra-client-address': '203.0.113.9',
      ...call.headers,
    },
  });
}

/** What does not open a public route: nothing, an identity, another service's or receiver's token, and nonsense. */
export function refusedTokens(stand: Stand): [string, string | undefined][] {
  const signer = (name: string) => createSigner(name, stand.privateKeys[name] ?? '');
  const identity = { merchantId: 'x', mode: 'test', actor: 'a', scopes: ['payments:write'] } as const;
  return [
    ['no token', undefined],
    ['nonsense', 'forged'],
    ['an identity', signer('api-gateway').identityToken('payment-api', identity)],
    ['the gateway’s token for another service', signer('api-gateway').serviceToken('merchant')],
    ['another service’s token', signer('auth').serviceToken('payment-api')],
  ];
}
