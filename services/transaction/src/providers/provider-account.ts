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
};

export type AccountSelector =
  | { kind: 'card_provider' | 'card_vault' }
  | { id: string }
  | { id: string; version: number };

export type ProviderAccounts = {
  /** The account, or undefined when the merchant has none such; throws `unavailable` when the merchant service is away. */
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
const DEADLINE_MS = 1_500;

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
function createCache<T extends object>(ttlMs: number): Cached<T> {
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
  return `${merchantId} ${mode} ${selector.id} ${'version' in selector ? selector.version : 'current'}`;
}

function toMode(mode: 'test' | 'live'): Mode {
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
  };
}

/** One opened credential; a missing one means the account was saved without a field that its provider needs. */
export function credential(account: OpenedAccount, name: string): Secret {
  const secret = account.credentials.get(name);
  if (secret === undefined) throw new Error(`provider account ${account.id} has no ${name}`);
  return secret;
}
