import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPlatform } from '@centra/dev/platform.ts';
import type { Platform } from '@centra/dev/platform.ts';
import { createApiKey, createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { TransactionServiceClient } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary, serviceMetadata } from '@centra/service-kit/grpc.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { Signer } from '@centra/service-kit/service-identity.ts';
import { SIGNERS } from '@centra/testkit/service-keys.ts';
import { credentials } from '@grpc/grpc-js';
import { makeIntruder, makeOwned } from './owned.ts';
import type { Intruder, Owned } from './owned.ts';
import { NO_LIMITS } from '../stage/no-limits.ts';

export type Signing = (typeof SIGNERS)[number];

/** A hotel with a key of each mode. */
export type TwoModeHotel = Hotel & { liveKey: string; stripeAccount: string };

/** A whole platform with a hotel that owns one of everything, and another one that tries to reach it. */
export type World = {
  platform: Platform;
  /** Whose objects are asked for. */
  owner: TwoModeHotel;
  owned: Owned;
  /** Who asks. */
  intruder: TwoModeHotel;
  own: Intruder;
  signer(service: Signing): Signer;
  clients: {
    auth: AuthServiceClient;
    merchant: MerchantServiceClient;
    payment: PaymentServiceClient;
    transaction: TransactionServiceClient;
  };
  stop(): Promise<void>;
};

export const OWNER_ORIGIN = 'https://owner.example';

/** Starts the platform on free ports in `folder` and makes both hotels and their objects. */
export async function startWorld(folder: string, say: (line: string) => void): Promise<World> {
  const crashes: string[] = [];
  const platform = await startPlatform({
    dataDir: join(folder, 'data'),
    ports: 'free',
    say,
    env: { 'api-gateway': NO_LIMITS },
    onCrash: (name, code, signal) => crashes.push(`${name} ${signal ?? code}`),
  });
  const clients = connect(platform);
  const stop = async (): Promise<void> => {
    for (const client of Object.values(clients)) client.close();
    await platform.stop();
    if (crashes.length > 0) throw new Error(`services ended by themselves: ${crashes.join(', ')}`);
  };
  try {
    const owner = await hotel(platform, 'Hotel Owner', [OWNER_ORIGIN]);
    const intruder = await hotel(platform, 'Hotel Intruder', []);
    const owned = await makeOwned(platform, owner);
    const signer = signersOf(platform);
    const own = await makeIntruder(platform, intruder, async (account) => {
      const options = {
        metadata: serviceMetadata(signer('transaction'), 'merchant', 'idor'),
        deadlineMs: 10_000,
      };
      const resolve = clients.merchant.resolveProviderAccount.bind(clients.merchant);
      const opened = await callUnary(resolve, { providerAccountId: account }, options);
      return opened.credentials['webhook_secret'] ?? '';
    });
    return { platform, owner, owned, intruder, own, signer, clients, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function connect({ grpc }: Platform): World['clients'] {
  const plain = credentials.createInsecure();
  return {
    auth: new AuthServiceClient(grpc.auth, plain),
    merchant: new MerchantServiceClient(grpc.merchant, plain),
    payment: new PaymentServiceClient(grpc['payment-api'], plain),
    transaction: new TransactionServiceClient(grpc.transaction, plain),
  };
}

async function hotel(platform: Platform, name: string, origins: readonly string[]): Promise<TwoModeHotel> {
  const made = await createHotel(platform, { name, origins });
  return { ...made, liveKey: await createApiKey(platform, made.merchantId, { mode: Mode.MODE_LIVE }) };
}

/** The private keys lie where `npm start` puts them; every service signs with its own. */
function signersOf(platform: Platform): World['signer'] {
  const signers = new Map(
    SIGNERS.map((name) => {
      const pem = readFileSync(join(platform.dataDir, 'keys', `${name}.pem`), 'utf8');
      return [name, createSigner(name, pem)] as const;
    }),
  );
  return (service) => {
    const signer = signers.get(service);
    if (signer === undefined) throw new Error(`${service} has no key`);
    return signer;
  };
}
