import { randomUUID } from 'node:crypto';
import { AccountKind, MerchantServiceService } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type {
  GetProviderAccountRequest,
  MerchantServiceServer,
  ProviderAccount,
  Routing,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { testTls } from '@centra/testkit/test-tls.ts';

type Credentials = Readonly<Record<string, string>>;

type Registered = {
  id: string;
  merchantId: string;
  mode: Mode;
  kind: AccountKind;
  provider: string;
  /** By version, from 1; undefined once destroyed. */
  versions: (Credentials | undefined)[];
  deleted: boolean;
};

type HotelFacts = { statementDescriptor?: string; isVerified?: boolean };

/** What a test says of a hotel's routing; what it leaves out is empty. */
export type Ruling = Partial<Pick<Routing, 'rules' | 'currencies' | 'methods'>>;

/** The neighbour by its contract: GetRouting, GetProviderAccount and ResolveProviderAccount with the accounts a test registered, for transaction's certificate only. */
export type MerchantDouble = {
  port: number;
  /** Answers the new account's id; a later one of the same kind and mode takes its place as the default. */
  connect(merchantId: string, provider: string, credentials: Credentials, mode?: 'test' | 'live'): string;
  rotate(accountId: string, credentials: Credentials): void;
  disconnect(accountId: string): void;
  /** Forgets the secrets of every version, as after a drain. */
  destroy(accountId: string): void;
  /** What the hotel decides on: rules in their order, and what it accepts. Nothing until then. */
  rule(merchantId: string, ruling: Ruling, mode?: 'test' | 'live'): void;
  /** What the hotel's statements say, and whether the operator verified it, as every hotel is until a test says otherwise. */
  hotel(merchantId: string, facts: HotelFacts): void;
  /** Who called, as proven by the certificate, one entry a call. */
  callers: string[];
  close(): Promise<void>;
};

export async function startMerchantDouble(): Promise<MerchantDouble> {
  const accounts: Registered[] = [];
  const callers: string[] = [];
  const hotels = new Map<string, HotelFacts>();
  const rulings = new Map<string, Ruling>();
  const refuse = unary(options('other'), async () => {
    throw new AppError('method_not_allowed', { internal: 'not part of this double' });
  });
  const implementation: MerchantServiceServer = {
    createMerchant: refuse,
    getMerchant: refuse,
    setMerchantLimits: refuse,
    checkOrigin: refuse,
    getRouting: unary(options('GetRouting'), async ({ merchantId, mode }, { caller }) => {
      callers.push(caller);
      const { isVerified = true } = hotels.get(merchantId) ?? {};
      if (!isVerified && mode === Mode.MODE_LIVE) throw new AppError('merchant_not_verified');
      return { ...routingOf(accounts, merchantId, mode), ...rulings.get(`${merchantId} ${mode}`) };
    }),
    reviewMerchant: refuse,
    listMerchants: refuse,
    rotateDataKey: refuse,
    getProviderAccount: unary(options('GetProviderAccount'), async (request, { caller }) => {
      callers.push(caller);
      const account = select(accounts, request);
      const { isVerified = true, statementDescriptor = '' } = hotels.get(request.merchantId) ?? {};
      const begins = request.selector?.$case !== 'accountVersion';
      if (begins && !isVerified && account.mode === Mode.MODE_LIVE)
        throw new AppError('merchant_not_verified');
      return { ...account, statementDescriptor };
    }),
    resolveProviderAccount: unary(
      options('ResolveProviderAccount'),
      async ({ providerAccountId }, { caller }) => {
        callers.push(caller);
        const id = fromPublicId('pa', providerAccountId) ?? providerAccountId;
        const account = accounts.find((candidate) => candidate.id === id && !candidate.deleted);
        if (account === undefined) throw new AppError('not_found');
        return open(account, account.versions.length);
      },
    ),
  };
  const listening = await listenGrpc([{ definition: MerchantServiceService, implementation }], {
    host: '127.0.0.1',
    port: 0,
    tls: testTls('merchant'),
  });
  const find = (id: string): Registered => {
    const account = accounts.find((candidate) => candidate.id === id);
    if (account === undefined) throw new Error(`no account ${id} is registered`);
    return account;
  };
  return {
    port: listening.port,
    callers,
    connect(merchantId, provider, credentials, mode = 'test') {
      const id = randomUUID();
      const kind =
        provider === 'vaultera'
          ? AccountKind.ACCOUNT_KIND_CARD_VAULT
          : AccountKind.ACCOUNT_KIND_CARD_PROVIDER;
      accounts.unshift({
        id,
        merchantId,
        mode: toMode(mode),
        kind,
        provider,
        versions: [credentials],
        deleted: false,
      });
      return id;
    },
    rotate: (id, credentials) => void find(id).versions.push(credentials),
    disconnect: (id) => void (find(id).deleted = true),
    rule: (merchantId, ruling, mode = 'test') => void rulings.set(`${merchantId} ${toMode(mode)}`, ruling),
    hotel: (merchantId, facts) => void hotels.set(merchantId, { ...hotels.get(merchantId), ...facts }),
    destroy: (id) => void find(id).versions.fill(undefined),
    close: listening.close,
  };
}

function options(name: string) {
  return {
    log: createLog('merchant', 'silent'),
    metrics: createMetrics('merchant'),
    name,
    callers: ['transaction'],
  };
}

function toMode(mode: 'test' | 'live'): Mode {
  return mode === 'live' ? Mode.MODE_LIVE : Mode.MODE_TEST;
}

/** Every account that moves money; the newest is the default, as for GetProviderAccount. */
function routingOf(accounts: readonly Registered[], merchantId: string, mode: Mode): Routing {
  const own = accounts.filter(
    (account) =>
      account.merchantId === merchantId &&
      account.mode === mode &&
      account.kind === AccountKind.ACCOUNT_KIND_CARD_PROVIDER &&
      !account.deleted,
  );
  return {
    rules: [],
    accounts: own.map(({ id, provider }, index) => ({
      providerAccountId: id,
      provider,
      name: provider,
      isDefault: index === 0,
      methods: ['card', 'card_page'],
    })),
    currencies: [],
    methods: [],
  };
}

function select(
  accounts: readonly Registered[],
  { merchantId, mode, selector }: GetProviderAccountRequest,
): ProviderAccount {
  const own = accounts.filter((account) => account.merchantId === merchantId && account.mode === mode);
  switch (selector?.$case) {
    case 'defaultOfKind': {
      const account = own.find(({ kind, deleted }) => kind === selector.value && !deleted);
      if (account === undefined) throw new AppError('provider_account_missing');
      return open(account, account.versions.length);
    }
    case 'providerAccountId': {
      const account = own.find(({ id }) => id === selector.value);
      if (account === undefined) throw new AppError('not_found');
      if (account.deleted) throw new AppError('provider_account_missing');
      return open(account, account.versions.length);
    }
    case 'accountVersion': {
      const account = own.find(({ id }) => id === selector.value.providerAccountId);
      if (account === undefined) throw new AppError('not_found');
      return open(account, selector.value.version === 0 ? account.versions.length : selector.value.version);
    }
    default:
      throw new AppError('validation_failed');
  }
}

function open(account: Registered, version: number): ProviderAccount {
  const credentials = account.versions[version - 1];
  if (credentials === undefined) throw new AppError('not_found');
  const { id, merchantId, mode, kind, provider } = account;
  return {
    providerAccountId: id,
    merchantId,
    mode,
    kind,
    provider,
    version,
    credentials: { ...credentials },
    statementDescriptor: '',
  };
}
