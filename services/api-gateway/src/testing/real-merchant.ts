import { join } from 'node:path';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { RateLimit } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { clientAs } from '@centra/testkit/test-tls.ts';
import { startChildService } from './child-service.ts';
import type { ChildService } from './child-service.ts';
import { createServiceDatabase } from './real-auth.ts';
import type { RealAuth } from './real-auth.ts';

export type RealMerchant = ChildService & {
  /** Registers a hotel whose pages stand at these origins. */
  createMerchant(merchantId: string, allowedOrigins?: string[]): Promise<void>;
  /** Gives a hotel exactly these limits of its own. */
  setLimits(merchantId: string, limits: RateLimit[]): Promise<void>;
  stop(): Promise<void>;
};

// Far above what a loaded machine needs.
const options = { metadata: callMetadata('req-operator'), deadlineMs: 20_000 };

/** The merchant service itself, on a database of its own. */
export async function startRealMerchant(auth: RealAuth): Promise<RealMerchant> {
  const database = await createServiceDatabase('merchant', ['merchant_reader']);
  const folder = join(auth.folder, 'merchant');
  const child = await startChildService('merchant', auth.keys, folder, {
    DATABASE_URL: database.url,
    AUTH_GRPC_ADDRESS: auth.grpcAddress,
    KEYRING_FILE: join(folder, 'keyring.json'),
  });
  const client = clientAs('operator', MerchantServiceClient, child.grpcAddress, 'merchant');
  return {
    ...child,
    async createMerchant(merchantId, allowedOrigins = []) {
      const hotel = { name: 'Hotel', country: 'MA', timeZone: 'Africa/Casablanca', defaultCurrency: 'MAD' };
      const request = { merchantId, ...hotel, allowedOrigins };
      await callUnary(client.createMerchant.bind(client), request, options);
    },
    async setLimits(merchantId, limits) {
      await callUnary(client.setMerchantLimits.bind(client), { merchantId, limits }, options);
    },
    async stop() {
      client.close();
      child.thaw();
      await child.kill();
      await database.drop();
    },
  };
}
