import { AccountKind } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type {
  GetProviderAccountRequest,
  MerchantServiceClient,
  ProviderAccount,
  ResolveProviderAccountRequest,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { callMetadata, callUnary, fromServiceError } from '@centra/service-kit/grpc.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { LRUCache } from 'lru-cache';

/** A hotel's own account at a provider, opened. Lives in memory only. */
export type OpenedAccount = {
  id: string;
  version: number;
  mode: 'test' | 'live';
  provider: string;
  credentials: ReadonlyMap<string, Secret>;
  /** What guests read on their statement; absent: whatever the account says by itself. */
  statementDescriptor?: string;
};

export type AccountSelector =
  | { kind: 'card_provider' | 'card_vault' }
  | { id: string }
  | { id: string; version: number }
  /** The newest version, also of an account that the hotel deleted, while its secrets exist. */
  | { id: string; orDeleted: true };

export type ProviderAccounts = {
  /**
   * The account, or undefined when the merchant has none such; throws `unavailable` when the merchant service is away, and
   * `merchant_not_verified` when a hotel that is not (any more) would begin something in live mode.
   */
  find(
    merchantId: string,
    mode: 'test' | 'live',
    selector: AccountSelector,
    requestId: string,
  ): Promise<OpenedAccount | undefined>;
  /** Whose account that is (UUID or `pa_…`), for webhooks, which name the account alone; as `find` otherwise. */
  resolve(id: string, requestId: string): Promise<(OpenedAccount & { merchantId: string }) | undefined>;
};

// A hotel has a handful of accounts; this covers thousands of busy hotels in a few megabytes.
const ACCOUNTS_MAX = 20_000;
// Told within 2 s that the merchant service is away (promise P9).
export const DEADLINE_MS = 1_500;

/** Asks the merchant service, and remembers answers (also "none") for `ttlMs`. Concurrent calls for one account share one. */
export function createProviderAccounts(options: {
  client: MerchantServiceClient;
  ttlMs: number;
}): ProviderAccounts {
  const found = createCache<OpenedAccount>(options.ttlMs);
  const resolved = createCache<OpenedAccount & { merchantId: string }>(options.ttlMs);
  return {
    find: async (merchantId, mode, selector, requestId) =>
      await found(cacheKey(merchantId, mode, selector), async () => {
        const request = { merchantId, mode: toMode(mode), selector: toSelector(selector) };
        const account = await ask(options.client, 'getProviderAccount', request, requestId);
        return account === undefined ? undefined : open(account);
      }),
    resolve: async (id, requestId) =>
      await resolved(id, async () => {
        const account = await ask(
          options.client,
          'resolveProviderAccount',
          { providerAccountId: id },
          requestId,
        );
        return account === undefined ? undefined : { ...open(account), merchantId: account.merchantId };
      }),
  };
}

type Cached<T> = (key: string, make: () => Promise<T | undefined>) => Promise<T | undefined>;

/** Remembers promises, so that a burst for one account asks once; a failed one is forgotten at once. */
export function createCache<T extends object>(ttlMs: number): Cached<T> {
  const cache = new LRUCache<string, Promise<T | undefined>>({
    max: ACCOUNTS_MAX,
    ...(ttlMs === 0 ? {} : { ttl: ttlMs }),
  });
  return async (key, make) => {
    const known = ttlMs === 0 ? undefined : cache.get(key);
    if (known !== undefined) return await known;
    const made = make();
    cache.set(key, made);
    made.catch(() => {
      if (cache.peek(key) === made) cache.delete(key);
    });
    return await made;
  };
}

function cacheKey(merchantId: string, mode: string, selector: AccountSelector): string {
  if ('kind' in selector) return `${merchantId} ${mode} ${selector.kind}`;
  const version = 'version' in selector ? selector.version : 'orDeleted' in selector ? 'newest' : 'current';
  return `${merchantId} ${mode} ${selector.id} ${version}`;
}

export function toMode(mode: 'test' | 'live'): Mode {
  return mode === 'live' ? Mode.MODE_LIVE : Mode.MODE_TEST;
}

function toSelector(selector: AccountSelector): NonNullable<GetProviderAccountRequest['selector']> {
  if ('kind' in selector)
    return {
      $case: 'defaultOfKind',
      value:
        selector.kind === 'card_vault'
          ? AccountKind.ACCOUNT_KIND_CARD_VAULT
          : AccountKind.ACCOUNT_KIND_CARD_PROVIDER,
    };
  if ('version' in selector)
    return { $case: 'accountVersion', value: { providerAccountId: selector.id, version: selector.version } };
  if ('orDeleted' in selector)
    return { $case: 'accountVersion', value: { providerAccountId: selector.id, version: 0 } };
  return { $case: 'providerAccountId', value: selector.id };
}

async function ask(
  client: MerchantServiceClient,
  ...[method, request, requestId]:
    | ['getProviderAccount', GetProviderAccountRequest, string]
    | ['resolveProviderAccount', ResolveProviderAccountRequest, string]
): Promise<ProviderAccount | undefined> {
  const call = {
    metadata: callMetadata(requestId),
    deadlineMs: DEADLINE_MS,
    waitForReady: true,
  };
  try {
    return method === 'getProviderAccount'
      ? await callUnary(client.getProviderAccount.bind(client), request, call)
      : await callUnary(client.resolveProviderAccount.bind(client), request, call);
  } catch (error) {
    const refusal = fromServiceError(error);
    if (refusal.code === 'provider_account_missing' || refusal.code === 'not_found') return undefined;
    // The hotel's own affair, and over with the operator's next word: thrown, so that nothing remembers it.
    if (refusal.code === 'merchant_not_verified') throw refusal;
    throw new AppError('unavailable', {
      cause: refusal,
      retryAfterSeconds: 1,
      internal: 'merchant cannot be asked',
    });
  }
}

function open(account: ProviderAccount): OpenedAccount {
  return {
    id: account.providerAccountId,
    version: account.version,
    mode: account.mode === Mode.MODE_LIVE ? 'live' : 'test',
    provider: account.provider,
    credentials: new Map(
      Object.entries(account.credentials).map(([name, value]) => [name, new Secret(value)]),
    ),
    ...(account.statementDescriptor === '' ? {} : { statementDescriptor: account.statementDescriptor }),
  };
}

/**
 * The account that something under way was made with. A hotel that was suspended since begins nothing new in live mode; what
 * it holds must still be released, refunded and heard of.
 */
export async function findUnderWay(
  accounts: ProviderAccounts,
  merchantId: string,
  mode: 'test' | 'live',
  id: string,
  requestId: string,
): Promise<OpenedAccount | undefined> {
  try {
    return await accounts.find(merchantId, mode, { id }, requestId);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'merchant_not_verified') throw error;
    return await accounts.find(merchantId, mode, { id, orDeleted: true }, requestId);
  }
}

/** One opened credential; a missing one means the account was saved without a field that its provider needs. */
export function credential(account: OpenedAccount, name: string): Secret {
  const secret = account.credentials.get(name);
  if (secret === undefined) throw new Error(`provider account ${account.id} has no ${name}`);
  return secret;
}
