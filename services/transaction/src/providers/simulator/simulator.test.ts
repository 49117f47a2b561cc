import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { startVaulteraSimulator } from '../../testing/simulators.ts';
import type { VaulteraSimulator } from '../../testing/simulators.ts';
import { createCardVaults } from '../card-transport.ts';
import type { FailureCode } from '../failure.ts';
import type { Outcome, Provider, SaleAttempt } from '../provider.ts';
import { createVaultera } from '../vaultera/vaultera.ts';
import { MAGIC_AMOUNTS, TEST_CARDS } from './simulator-cards.ts';
import { createSimulator } from './simulator.ts';

let vaultera: VaulteraSimulator;
let client: ReturnType<typeof createVaultera>;
let provider: Provider;
let apiKey: string;

before(async () => {
  vaultera = await startVaulteraSimulator();
  apiKey = (await vaultera.account()).apiKey;
  client = createVaultera({ baseUrl: `${vaultera.url}/api/v1`, timeoutMs: 15_000 });
  provider = createSimulator({ vaults: createCardVaults({ vaultera: client }) });
});
after(async () => {
  await client.close();
  await vaultera.close();
});

function attempt(cardToken: string, amountMinor = 12_500n): SaleAttempt {
  const operationId = randomUUID();
  const account = { id: randomUUID(), version: 1, mode: 'test' as const };
  return {
    providerKey: `centra-${operationId}`,
    operationId,
    paymentId: toPublicId('pay', newUuid()),
    money: { amountMinor, currency: 'EUR' },
    cardToken,
    bookingReference: '',
    description: '',
    guest: { name: '', email: '' },
    returnUrl: undefined,
    createdAt: new Date(),
    account: { ...account, provider: 'simulator', credentials: new Map() },
    vaultAccount: {
      ...account,
      provider: 'vaultera',
      credentials: new Map([['api_key', new Secret(apiKey)]]),
    },
  };
}

function resultOf(outcome: Outcome | { kind: 'absent' }): string {
  return outcome.kind === 'declined' ? outcome.failure.code : outcome.kind;
}

describe('a published test number captured in the vault behaves like the documented token', () => {
  const cases: [number: string, token: string, result: FailureCode | 'succeeded'][] = [
    ['4242424242424242', 'sim_card_visa', 'succeeded'],
    ['5555555555554444', 'sim_card_mastercard', 'succeeded'],
    ['378282246310005', 'sim_card_amex', 'succeeded'],
    ['4000000000000002', 'sim_card_declined', 'card_declined'],
    ['4000000000009995', 'sim_card_insufficient_funds', 'insufficient_funds'],
    ['4000000000009987', 'sim_card_lost', 'lost_card'],
    ['4000000000009979', 'sim_card_stolen', 'stolen_card'],
    ['4000000000000069', 'sim_card_expired', 'expired_card'],
    ['4000000000000127', 'sim_card_incorrect_cvc', 'incorrect_cvc'],
    ['4000000000000119', 'sim_card_processing_error', 'processing_error'],
    ['4000002760003184', 'sim_card_authentication_required', 'authentication_required'],
  ];
  for (const [number, token, result] of cases)
    test(`${token}: ${result}`, async () => {
      const byToken = await provider.sale(attempt(token));
      const byVault = await provider.sale(attempt(await vaultera.card(apiKey, number)));
      assert.deepEqual([resultOf(byToken), resultOf(byVault)], [result, result]);
      for (const outcome of [byToken, byVault])
        assert.equal('card' in outcome && outcome.card?.last4, number.slice(-4));
    });
  test('every documented token is tested here', () => {
    assert.deepEqual(
      cases.map(([, token]) => token),
      TEST_CARDS.map(({ token }) => token),
    );
  });
});

test('an ordinary card of the vault that is not documented is approved', async () => {
  assert.equal(
    resultOf(await provider.sale(attempt(await vaultera.card(apiKey, '4111111111111111')))),
    'succeeded',
  );
});

describe('magic amounts', () => {
  const cases: [amountMinor: bigint, sale: string, lookup: string][] = [
    [66_601n, 'card_declined', 'card_declined'],
    [66_602n, 'insufficient_funds', 'insufficient_funds'],
    [66_603n, 'expired_card', 'expired_card'],
    [66_604n, 'try_again_later', 'try_again_later'],
    [66_605n, 'suspected_fraud', 'suspected_fraud'],
    [66_610n, 'unknown', 'succeeded'],
    [66_611n, 'unknown', 'absent'],
    [66_620n, 'succeeded', 'succeeded'],
    [66_630n, 'not_sent', 'succeeded'],
    [66_600n, 'succeeded', 'succeeded'],
    [66_606n, 'succeeded', 'succeeded'],
  ];
  for (const [amountMinor, sale, lookup] of cases)
    test(`${amountMinor}: ${sale}, looked up: ${lookup}`, async () => {
      const asked = attempt('sim_card_visa', amountMinor);
      assert.deepEqual(
        [resultOf(await provider.sale(asked)), resultOf(await provider.lookup(asked))],
        [sale, lookup],
      );
    });
  test('every magic amount is tested here, and a card that declines does so whatever the amount', async () => {
    for (const amountMinor of MAGIC_AMOUNTS.keys())
      assert.ok(
        cases.some(([tested]) => tested === amountMinor),
        String(amountMinor),
      );
    assert.equal(resultOf(await provider.sale(attempt('sim_card_lost', 66_601n))), 'lost_card');
  });
});

test('a reference depends on the key alone, so that every repetition and lookup names the same', async () => {
  const asked = attempt('sim_card_visa');
  const [first, again, found] = [
    await provider.sale(asked),
    await provider.sale(asked),
    await provider.lookup(asked),
  ];
  assert.deepEqual([again, found], [first, first]);
});
