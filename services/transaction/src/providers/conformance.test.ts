import { randomBytes, randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { chargesAtStripe } from '../testing/rows.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { createProviders } from './choose-provider.ts';
import type { Providers } from './choose-provider.ts';
import { conformance } from './conformance.ts';
import type { OpenedAccount } from './provider-account.ts';
import type { SaleAttempt } from './provider.ts';

let world: World;
let providers: Providers;
let nowhere: Providers;

before(async () => {
  world = await startWorld();
  providers = createProviders(world.config());
  nowhere = createProviders(
    world.config({ stripeApiUrl: 'http://127.0.0.1:1', vaulteraBaseUrl: 'http://127.0.0.1:1/api/v1' }),
  );
});
after(async () => {
  await providers.close();
  await nowhere.close();
  await world.close();
});

function opened(id: string, provider: string, credentials: Record<string, string>): OpenedAccount {
  const secrets = Object.entries(credentials).map(([name, value]) => [name, new Secret(value)] as const);
  return { id, version: 1, mode: 'test', provider, credentials: new Map(secrets) };
}

function attemptOf(hotel: Hotel, provider: string, cardToken: string): SaleAttempt {
  const operationId = randomUUID();
  return {
    providerKey: `centra-${operationId}`,
    operationId,
    paymentId: toPublicId('pay', newUuid()),
    money: { amountMinor: 12_500n, currency: 'EUR' },
    cardToken,
    bookingReference: 'BK-1',
    description: 'Two nights',
    guest: { name: 'Ada Lovelace', email: 'ada@example.com' },
    returnUrl: undefined,
    createdAt: new Date(),
    account: opened(
      hotel.providerAccountId,
      provider,
      provider === 'stripe' ? { secret_key: hotel.secretKey } : {},
    ),
    vaultAccount: opened(hotel.vaultAccountId, 'vaultera', { api_key: hotel.vaultKey }),
  };
}

const NUMBERS = {
  approved: '4242424242424242',
  declined: '4000000000009995',
  challenged: '4000002760003184',
};

conformance({
  name: 'stripe',
  declares: { idempotencyWindowMs: 24 * 60 * 60 * 1_000, lookupByReference: true, cancelChallenge: true },
  provider: () => providers.choose('stripe'),
  unreachable: () => nowhere.choose('stripe'),
  async attempt(card, change = {}) {
    const hotel = await world.stripeHotel();
    const token =
      card === 'unknown'
        ? randomBytes(16).toString('hex')
        : await world.vaultera.card(hotel.vaultKey, NUMBERS[card]);
    return { ...attemptOf(hotel, 'stripe', token), ...change };
  },
  effects: async ({ operationId }) => await chargesAtStripe(world, operationId),
  async credentials() {
    const { secretKey, stripeAccount: id } = await world.stripeHotel();
    const restricted = async (...permissions: string[]) => {
      const key = `rk_test_${randomBytes(12).toString('hex')}`;
      await world.stripe.account(key, { id, permissions });
      return { secret_key: key };
    };
    return {
      valid: { secret_key: secretKey },
      wrong: { secret_key: `sk_test_${randomBytes(12).toString('hex')}` },
      insufficient: [
        await restricted('rak_payment_intent_write', 'rak_payment_method_write'),
        await restricted('rak_accounts_read', 'rak_payment_method_write'),
        await restricted('rak_accounts_read', 'rak_payment_intent_write'),
        await restricted('rak_accounts_read', 'rak_payment_intent_read', 'rak_payment_method_read'),
      ],
      ofOtherMode: { mode: 'test', credentials: { secret_key: secretKey.replace('sk_test_', 'sk_live_') } },
    };
  },
});

conformance({
  name: 'simulator',
  declares: { idempotencyWindowMs: 0, lookupByReference: true, cancelChallenge: false },
  provider: () => providers.choose('simulator'),
  async attempt(card, change = {}) {
    const hotel = await world.simulatorHotel();
    const token =
      card === 'unknown'
        ? randomBytes(16).toString('hex')
        : await world.vaultera.card(hotel.vaultKey, NUMBERS[card]);
    return { ...attemptOf(hotel, 'simulator', token), ...change };
  },
  credentials: async () => ({ valid: {}, ofOtherMode: { mode: 'live', credentials: {} } }),
});
