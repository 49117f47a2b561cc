import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { CredentialCheck } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { CheckProviderCredentialsResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { callOptions, refusalOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';

let world: World;
let service: TestService;
let cutOff: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world);
  cutOff = await startTestService(world, {
    stripeApiUrl: 'http://127.0.0.1:1',
    vaulteraBaseUrl: 'http://127.0.0.1:1/api/v1',
  });
});
after(async () => {
  await service.close();
  await cutOff.close();
  await world.close();
});

async function check(
  at: TestService,
  provider: string,
  credentials: Record<string, string>,
  mode: Mode = Mode.MODE_TEST,
  caller = 'merchant',
): Promise<CheckProviderCredentialsResponse> {
  const request = { provider, mode, credentials };
  const client = at.clientOf(caller);
  return await callUnary(client.checkProviderCredentials.bind(client), request, callOptions());
}

const random = (): string => randomBytes(16).toString('hex');

describe('the provider is really asked, and its answer comes in words for hotel staff', () => {
  const {
    CREDENTIAL_CHECK_OK,
    CREDENTIAL_CHECK_REJECTED,
    CREDENTIAL_CHECK_UNREACHABLE,
    CREDENTIAL_CHECK_WRONG_MODE,
  } = CredentialCheck;
  type Case = [name: string, ask: () => Promise<CheckProviderCredentialsResponse>, result: CredentialCheck];
  const cases: Case[] = [
    [
      "a hotel's Stripe key",
      async () => await check(service, 'stripe', { secret_key: (await world.stripeHotel()).secretKey }),
      CREDENTIAL_CHECK_OK,
    ],
    [
      'a Stripe key that nobody has',
      async () => await check(service, 'stripe', { secret_key: `sk_test_${random()}` }),
      CREDENTIAL_CHECK_REJECTED,
    ],
    [
      'text that is no key',
      async () => await check(service, 'stripe', { secret_key: 'hello' }),
      CREDENTIAL_CHECK_REJECTED,
    ],
    ['no key at all', async () => await check(service, 'stripe', {}), CREDENTIAL_CHECK_REJECTED],
    [
      'Stripe away',
      async () => await check(cutOff, 'stripe', { secret_key: `sk_test_${random()}` }),
      CREDENTIAL_CHECK_UNREACHABLE,
    ],
    [
      'a live key in test mode',
      async () => await check(service, 'stripe', { secret_key: `sk_live_${random()}` }),
      CREDENTIAL_CHECK_WRONG_MODE,
    ],
    [
      'a test key in live mode',
      async () => await check(service, 'stripe', { secret_key: `rk_test_${random()}` }, Mode.MODE_LIVE),
      CREDENTIAL_CHECK_WRONG_MODE,
    ],
    [
      "a hotel's Vaultera key",
      async () => await check(service, 'vaultera', { api_key: (await world.vaultera.account()).apiKey }),
      CREDENTIAL_CHECK_OK,
    ],
    [
      'a Vaultera key that nobody has',
      async () => await check(service, 'vaultera', { api_key: random() }),
      CREDENTIAL_CHECK_REJECTED,
    ],
    ['no Vaultera key at all', async () => await check(service, 'vaultera', {}), CREDENTIAL_CHECK_REJECTED],
    [
      'Vaultera away',
      async () => await check(cutOff, 'vaultera', { api_key: random() }),
      CREDENTIAL_CHECK_UNREACHABLE,
    ],
    ['the simulator in test mode', async () => await check(service, 'simulator', {}), CREDENTIAL_CHECK_OK],
    [
      'the simulator in live mode',
      async () => await check(service, 'simulator', {}, Mode.MODE_LIVE),
      CREDENTIAL_CHECK_WRONG_MODE,
    ],
  ];
  for (const [name, ask, result] of cases)
    test(name, async () => {
      const answer = await ask();
      assert.equal(answer.result, result);
      assert.ok(answer.message.length > 10);
    });
});

test('a Stripe key with line breaks or characters no header can hold is rejected, not a crash', async () => {
  for (const secret of [
    'sk_test_a\r\nX-Evil: 1',
    'sk_test_\u0000',
    'sk_test_ключ',
    ' '.repeat(10),
    'x'.repeat(5_000),
  ])
    assert.equal(
      (await check(service, 'stripe', { secret_key: secret })).result,
      CredentialCheck.CREDENTIAL_CHECK_REJECTED,
      JSON.stringify(secret.slice(0, 20)),
    );
});

const requests = async (): Promise<number> => (await world.stripe.journal('request')).length;

test('a live key offered in test mode never leaves this service', async () => {
  const made = await requests();
  await check(service, 'stripe', { secret_key: `sk_live_${randomBytes(12).toString('hex')}` });
  assert.equal(await requests(), made);
});

test('a provider we do not know is refused by name', async () => {
  const refused = await refusalOf(check(service, 'bitcoin', {}));
  assert.deepEqual(
    [refused.status, refused.error.code],
    [grpcStatus.FAILED_PRECONDITION, 'provider_account_missing'],
  );
});

test('only the merchant service may have credentials checked', async () => {
  for (const caller of ['payment-api', 'api-gateway', 'auth', 'operator'])
    assert.equal(
      (await refusalOf(check(service, 'simulator', {}, Mode.MODE_TEST, caller))).status,
      grpcStatus.PERMISSION_DENIED,
      caller,
    );
});
