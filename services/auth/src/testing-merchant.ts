import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { Merchant, MerchantServiceService } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { GetMerchantRequest, MerchantServiceServer } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { testTls } from '@centra/testkit/test-tls.ts';

/** The merchant service's one RPC that this service calls, with answers that the test sets. */
export type FakeMerchant = {
  /** host:port. */
  address: string;
  /** The hotels that were asked for, in order. */
  asked: string[];
  /** The next answers; by default every hotel is Riad Atlas. */
  answerWith(answer: Answer): void;
  close(): Promise<void>;
};
type Answer = (merchantId: string) => Promise<Partial<Merchant>> | Partial<Merchant>;

export const everyHotelIsRiadAtlas: Answer = () => ({ name: 'Riad Atlas', locale: 'fr' });

export async function startFakeMerchant(): Promise<FakeMerchant> {
  const asked: string[] = [];
  let answer = everyHotelIsRiadAtlas;
  const options = {
    log: createLog('fake-merchant', 'silent'),
    metrics: createMetrics('fake-merchant'),
    name: 'GetMerchant',
    // Only this service, so that it is seen to show its certificate.
    callers: ['auth'],
  };
  const implementation: Pick<MerchantServiceServer, 'getMerchant'> & UntypedServiceImplementation = {
    getMerchant: unary<GetMerchantRequest, Merchant>(options, async ({ merchantId }) => {
      asked.push(merchantId);
      return Merchant.fromPartial({ merchantId, ...(await answer(merchantId)) });
    }),
  };
  const { getMerchant } = MerchantServiceService;
  const { port, server } = await listenGrpc([{ definition: { getMerchant }, implementation }], {
    host: '127.0.0.1',
    port: 0,
    tls: testTls('merchant'),
  });
  return {
    address: `127.0.0.1:${port}`,
    asked,
    answerWith: (next) => {
      answer = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
        setTimeout(() => server.forceShutdown(), 1_000).unref();
      }),
  };
}
