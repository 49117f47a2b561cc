import type {
  MerchantServiceClient,
  Routing as RoutingMessage,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { Routing } from '@centra/routing/routing.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { callMetadata, callUnary, fromServiceError } from '@centra/service-kit/grpc.ts';
import { DEADLINE_MS, createCache, toMode } from '../providers/provider-account.ts';

export type HotelRouting = {
  /**
   * What decides which account takes a payment; throws `unavailable` when the merchant service is away, and
   * `merchant_not_verified` in live mode for a hotel that is not.
   */
  of(merchantId: string, mode: 'test' | 'live', requestId: string): Promise<Routing>;
};

/** Of a hotel that has told nothing, or that nobody knows: its payments are refused for want of an account. */
export const NO_ROUTING: Routing = { rules: [], accounts: [], currencies: [], methods: [] };

/** Asks the merchant service, and remembers answers for `ttlMs`, as accounts are. Concurrent calls for one hotel share one. */
export function createHotelRouting(options: { client: MerchantServiceClient; ttlMs: number }): HotelRouting {
  const known = createCache<Routing>(options.ttlMs);
  return {
    of: async (merchantId, mode, requestId) =>
      (await known(`${merchantId} ${mode}`, async () => {
        const answer = await ask(options.client, merchantId, mode, requestId);
        return answer === undefined ? undefined : toRouting(answer);
      })) ?? NO_ROUTING,
  };
}

async function ask(
  client: MerchantServiceClient,
  merchantId: string,
  mode: 'test' | 'live',
  requestId: string,
): Promise<RoutingMessage | undefined> {
  const call = { metadata: callMetadata(requestId), deadlineMs: DEADLINE_MS, waitForReady: true };
  try {
    return await callUnary(client.getRouting.bind(client), { merchantId, mode: toMode(mode) }, call);
  } catch (error) {
    const refusal = fromServiceError(error);
    if (refusal.code === 'not_found') return undefined;
    // Over with the operator's next word: thrown, so that nothing remembers it.
    if (refusal.code === 'merchant_not_verified') throw refusal;
    throw new AppError('unavailable', {
      cause: refusal,
      retryAfterSeconds: 1,
      internal: 'merchant cannot be asked',
    });
  }
}

function toRouting({ rules, accounts, currencies, methods }: RoutingMessage): Routing {
  return {
    rules: rules.map(({ ruleId, providerAccountIds, ...rule }) => ({
      ...rule,
      amountMinMinor: rule.amountMinMinor,
      amountMaxMinor: rule.amountMaxMinor,
      id: ruleId,
      // Those that are switched off are not told.
      enabled: true,
      accountIds: providerAccountIds,
    })),
    accounts: accounts.map(({ providerAccountId, ...account }) => ({ ...account, id: providerAccountId })),
    currencies,
    methods,
  };
}
