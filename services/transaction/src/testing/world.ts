import { randomBytes, randomUUID } from 'node:crypto';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createFailpoint } from '@centra/service-kit/failpoint.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { testTlsFiles } from '@centra/testkit/test-tls.ts';
import type { Config } from '../config.ts';
import { databaseRoles, migrate, migrationsFolder } from '../migrate.ts';
import { startMerchantDouble } from './merchant-double.ts';
import type { MerchantDouble } from './merchant-double.ts';
import { startStripeSimulator, startVaulteraSimulator } from './simulators.ts';
import type { StripeSimulator, VaulteraSimulator } from './simulators.ts';

/** One hotel with its accounts outside, as a test uses it. */
export type Hotel = {
  merchantId: string;
  vaultKey: string;
  vaultAccountId: string;
  providerAccountId: string;
  /** Of its Stripe account. */
  secretKey: string;
  webhookSecret: string;
  stripeAccount: string;
};

/** Everything around the service: a database of this file's own, both simulators and the merchant service's double. */
export type World = {
  database: TestDatabase;
  /** As the superuser, to look behind the service and to move its clock by moving rows. */
  admin: Pool;
  stripe: StripeSimulator;
  vaultera: VaulteraSimulator;
  merchant: MerchantDouble;
  config(change?: Partial<Config>): Config;
  /** A hotel whose default provider is Stripe. */
  stripeHotel(): Promise<Hotel>;
  /** A hotel whose default provider is the built-in simulator. */
  simulatorHotel(): Promise<Hotel>;
  close(): Promise<void>;
};

export async function startWorld(): Promise<World> {
  const [database, stripe, vaultera, merchant] = await Promise.all([
    createTestDatabase({ service: 'transaction', roles: databaseRoles, migrationsFolder, migrate }),
    startStripeSimulator(),
    startVaulteraSimulator(),
    startMerchantDouble(),
  ]);
  const log = createLog('test', 'silent');
  const admin = createPool({ url: database.adminUrl, max: 4, applicationName: 'test', log });
  const parts = { stripe, vaultera, merchant };
  return {
    database,
    admin,
    ...parts,
    config: (change = {}) => ({ ...configOf(database.url, parts), ...change }),
    stripeHotel: async () => await createHotel(parts, 'stripe'),
    simulatorHotel: async () => await createHotel(parts, 'simulator'),
    async close() {
      await Promise.all([admin.end(), stripe.close(), vaultera.close(), merchant.close()]);
      await database.drop();
    },
  };
}

type Parts = Pick<World, 'stripe' | 'vaultera' | 'merchant'>;

// Nobody listens there. What asks these providers starts its own simulators.
const NOWHERE = { test: 'http://127.0.0.1:1', live: 'http://127.0.0.1:1' };

function configOf(databaseUrl: string, { stripe, vaultera, merchant }: Parts): Config {
  return {
    host: '127.0.0.1',
    grpcPort: 0,
    opsPort: 0,
    databaseUrl,
    databasePoolMax: 6,
    merchantGrpcAddress: `localhost:${merchant.port}`,
    tls: testTlsFiles('transaction'),
    stripeApiUrl: stripe.url,
    vaulteraBaseUrl: `${vaultera.url}/api/v1`,
    checkUrls: { paypal: NOWHERE, payzone: NOWHERE, cmi: NOWHERE, tempo: NOWHERE },
    simulatorChallengeUrl: 'http://localhost:8080/v1/simulator/challenges',
    // Long enough for a loaded machine; tests that need a timeout set their own.
    providerTimeoutMs: 15_000,
    operationLeaseMs: 40_000,
    sweepIntervalMs: 50,
    holdIntervalMs: 50,
    holdReminderMs: 24 * 60 * 60_000,
    credentialTtlMs: 0,
    failpoint: createFailpoint({}, 'transaction'),
  };
}

async function createHotel(
  { stripe, vaultera, merchant }: Parts,
  provider: 'stripe' | 'simulator',
): Promise<Hotel> {
  const merchantId = randomUUID();
  const secretKey = `sk_test_${randomBytes(12).toString('hex')}`;
  const webhookSecret = `whsec_${randomBytes(16).toString('hex')}`;
  const { apiKey: vaultKey } = await vaultera.account();
  const stripeAccount = provider === 'stripe' ? await stripe.account(secretKey) : '';
  return {
    merchantId,
    vaultKey,
    vaultAccountId: merchant.connect(merchantId, 'vaultera', { api_key: vaultKey }),
    providerAccountId: merchant.connect(
      merchantId,
      provider,
      provider === 'stripe' ? { secret_key: secretKey, webhook_secret: webhookSecret } : {},
    ),
    secretKey,
    webhookSecret,
    stripeAccount,
  };
}
