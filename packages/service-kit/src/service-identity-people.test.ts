import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import jwt from 'jsonwebtoken';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { AppError } from './errors.ts';
import { createSigner, createVerifier, readTrustedKeys } from './service-identity.ts';
import type { CheckoutIdentity, Identity, UserIdentity } from './service-identity.ts';

const keys = createServiceKeys();
const trusted = readTrustedKeys(keys.trustedKeys);
const signerOf = (service: string) => createSigner(service, keys.privateKeys[service] ?? '');
const gateway = signerOf('api-gateway');
const paymentApi = signerOf('payment-api');
const merchantId = '01890a5d-ac96-774b-bcce-b302099a8057';
const user: UserIdentity = { userId: 'usr_1', sessionId: 'ses_1' };
const checkout: CheckoutIdentity = { merchantId, mode: 'test', objectId: 'pay_1' };

function refuses(verify: () => unknown): void {
  assert.throws(verify, (error) => error instanceof AppError && error.code === 'unauthenticated');
}

/** A token by a service's own key, with any claims, headers and times. */
function signed(
  service: string,
  type: string,
  claims: object,
  options: { audience?: string; expiresIn?: number } = {},
): string {
  return jwt.sign(claims, keys.privateKeys[service] ?? '', {
    algorithm: 'ES256',
    header: { alg: 'ES256', typ: type, kid: service },
    issuer: service,
    audience: options.audience ?? (type === 'checkout+jwt' ? 'api-gateway' : 'auth'),
    expiresIn: options.expiresIn ?? 60,
  });
}

describe('a person that the gateway vouches for', () => {
  const verifier = createVerifier('auth', trusted);

  test('is known, and their session', () => {
    assert.deepEqual(verifier.verifyUser(gateway.userToken('auth', user)), user);
    assert.deepEqual(verifier.verifyUser(signed('api-gateway', 'user+jwt', user)), user);
  });

  test('at a hotel comes with their session', () => {
    const identity: Identity = {
      merchantId,
      mode: 'live',
      actor: 'user:usr_1',
      scopes: [],
      sessionId: 'ses_1',
    };
    assert.deepEqual(verifier.verifyIdentity(gateway.identityToken('auth', identity)), identity);
  });

  test('of a checkout comes with the one object that it opens', () => {
    const identity: Identity = {
      merchantId,
      mode: 'test',
      actor: 'checkout:pay_1',
      scopes: [],
      objectId: 'pay_1',
    };
    assert.deepEqual(verifier.verifyIdentity(gateway.identityToken('auth', identity)), identity);
  });

  const bad: [what: string, token: () => string][] = [
    ['another service vouches', () => paymentApi.userToken('auth', user)],
    ['it is meant for another service', () => gateway.userToken('merchant', user)],
    ['it is an identity', () => gateway.identityToken('auth', { ...checkout, actor: 'a', scopes: [] })],
    ['it names a service only', () => gateway.serviceToken('auth')],
    ['it names no session', () => signed('api-gateway', 'user+jwt', { userId: 'usr_1' })],
    ['it names no person', () => signed('api-gateway', 'user+jwt', { sessionId: 'ses_1' })],
    ['the person is a list', () => signed('api-gateway', 'user+jwt', { ...user, userId: ['usr_1'] })],
    ['it lives longer than a minute', () => signed('api-gateway', 'user+jwt', user, { expiresIn: 61 })],
  ];
  for (const [what, token] of bad)
    test(`refused when ${what}`, () => refuses(() => verifier.verifyUser(token())));

  test('a user token is no identity and names no service', () => {
    refuses(() => verifier.verifyIdentity(gateway.userToken('auth', user)));
    refuses(() => verifier.verifyService(gateway.userToken('auth', user)));
  });

  test('an identity whose session or object is no text is refused', () => {
    const identity = { merchantId, mode: 'live', actor: 'user:usr_1', scopes: [] };
    for (const wrong of [{ sessionId: 7 }, { objectId: ['pay_1'] }])
      refuses(() =>
        verifier.verifyIdentity(signed('api-gateway', 'identity+jwt', { ...identity, ...wrong })),
      );
  });
});

describe('a client secret', () => {
  const verifier = createVerifier('api-gateway', trusted);

  test('opens its payment at the gateway, for an hour at most', () => {
    assert.deepEqual(verifier.verifyCheckout(paymentApi.checkoutToken(checkout, 3_600)), checkout);
    assert.throws(() => paymentApi.checkoutToken(checkout, 3_601), RangeError);
  });

  test('is made anew each time', () => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    try {
      const first = paymentApi.checkoutToken(checkout, 60);
      mock.timers.tick(30_000);
      const second = paymentApi.checkoutToken(checkout, 60);
      mock.timers.tick(40_000);
      refuses(() => verifier.verifyCheckout(first));
      assert.deepEqual(verifier.verifyCheckout(second), checkout);
    } finally {
      mock.timers.reset();
    }
  });

  const bad: [what: string, token: () => string][] = [
    ['another service made it', () => gateway.checkoutToken(checkout, 60)],
    [
      'it lives longer than an hour',
      () => signed('payment-api', 'checkout+jwt', checkout, { expiresIn: 3_601 }),
    ],
    ['it is meant for another', () => signed('payment-api', 'checkout+jwt', checkout, { audience: 'auth' })],
    ['it names no payment', () => signed('payment-api', 'checkout+jwt', { merchantId, mode: 'test' })],
    ['it names no hotel', () => signed('payment-api', 'checkout+jwt', { mode: 'test', objectId: 'pay_1' })],
    ['its mode is another', () => signed('payment-api', 'checkout+jwt', { ...checkout, mode: 'both' })],
    ['it is a service token', () => paymentApi.serviceToken('api-gateway')],
  ];
  for (const [what, token] of bad)
    test(`refused when ${what}`, () => refuses(() => verifier.verifyCheckout(token())));

  test('is neither a person, an identity nor a service', () => {
    const token = paymentApi.checkoutToken(checkout, 60);
    refuses(() => verifier.verifyUser(token));
    refuses(() => verifier.verifyIdentity(token));
    refuses(() => verifier.verifyService(token));
  });
});
