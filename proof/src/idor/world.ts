import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NO_GATEWAY_LIMITS } from '@centra/dev/no-limits.ts';
import { startPlatform } from '@centra/dev/platform.ts';
import type { Platform } from '@centra/dev/platform.ts';
import { clientOf, createApiKey, createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { TransactionServiceClient } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { Signer } from '@centra/service-kit/service-identity.ts';
import type { CertifiedName } from '@centra/testkit/certificates.ts';
import { SIGNERS } from '@centra/testkit/service-keys.ts';
import { makeIntruder, makeOwned } from './owned.ts';
import type { Intruder, Owned } from './owned.ts';
import { makePeople } from './people.ts';
import type { People } from './people.ts';
import { HOOK_TARGET, makeIntruderSettings, makeSettings } from './settings.ts';
import type { IntruderSettings, Settings } from './settings.ts';

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
  people: People;
  /** The owner's settings, and the intruder's. */
  settings: Settings;
  ownSettings: IntruderSettings;
  signer(service: Signing): Signer;
  /** Every gRPC door with the certificate of that caller. */
  clients(caller: CertifiedName): Clients;
  /** PaymentService as the booking API calls it. */
  payment: PaymentServiceClient;
  stop(): Promise<void>;
};

export type Clients = {
  auth: AuthServiceClient;
  merchant: MerchantServiceClient;
  payment: PaymentServiceClient;
  transaction: TransactionServiceClient;
};

export const OWNER_ORIGIN = 'https://owner.example';

/** Starts the platform on free ports in `folder` and makes both hotels and their objects. */
export async function startWorld(folder: string, say: (line: string) => void): Promise<World> {
  const crashes: string[] = [];
  const platform = await startPlatform({
    dataDir: join(folder, 'data'),
    ports: 'free',
    say,
    env: {
      'api-gateway': NO_GATEWAY_LIMITS,
      auth: { LIMIT_LOGINS_PER_MINUTE: '10000' },
      merchant: { WEBHOOK_TRUSTED_TARGETS: HOOK_TARGET },
    },
    onCrash: (name, code, signal) => crashes.push(`${name} ${signal ?? code}`),
  });
  const connected = new Map<CertifiedName, Clients>();
  const clients = (caller: CertifiedName): Clients => {
    const made = connected.get(caller) ?? connect(platform, caller);
    connected.set(caller, made);
    return made;
  };
  const stop = async (): Promise<void> => {
    for (const each of connected.values()) for (const client of Object.values(each)) client.close();
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
        metadata: callMetadata('idor'),
        deadlineMs: 10_000,
      };
      const { merchant } = clients('transaction');
      const resolve = merchant.resolveProviderAccount.bind(merchant);
      const opened = await callUnary(resolve, { providerAccountId: account }, options);
      return opened.credentials['webhook_secret'] ?? '';
    });
    await limit(clients('operator').merchant, owner.merchantId);
    const people = await makePeople(platform, { owner, intruder }, { owned, created: own.created });
    return {
      platform,
      owner,
      owned,
      intruder,
      own,
      people,
      settings: await makeSettings(platform, owner, owned, people),
      ownSettings: await makeIntruderSettings(platform, intruder, own, people),
      signer,
      clients,
      payment: clients('booking-api').payment,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function connect(platform: Platform, caller: CertifiedName): Clients {
  const to = (server: keyof Platform['grpc']) => ({ address: platform.grpc[server], server });
  return {
    auth: clientOf(platform, caller, AuthServiceClient, to('auth')),
    merchant: clientOf(platform, caller, MerchantServiceClient, to('merchant')),
    payment: clientOf(platform, caller, PaymentServiceClient, to('payment-api')),
    transaction: clientOf(platform, caller, TransactionServiceClient, to('transaction')),
  };
}

/** A limit of the owner's own, far from being reached. */
async function limit(merchant: MerchantServiceClient, merchantId: string): Promise<void> {
  const request = { merchantId, limits: [{ name: 'payments', quota: 1_000_000 }] };
  const options = { metadata: callMetadata('idor'), deadlineMs: 10_000 };
  await callUnary(merchant.setMerchantLimits.bind(merchant), request, options);
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
