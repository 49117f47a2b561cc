import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import {
  AccountKind,
  MerchantServiceClient,
  MerchantState,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import type {
  CreateMerchantRequest,
  GetProviderAccountRequest,
  ProviderAccount,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import {
  CredentialCheck,
  TransactionServiceService,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type {
  CheckProviderCredentialsRequest,
  CheckProviderCredentialsResponse,
  CountAccountUseRequest,
  CountAccountUseResponse,
  TransactionServiceServer,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callMetadata, callUnary, listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { Identity, Signer } from '@centra/service-kit/service-identity.ts';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import type { ServiceKeys } from '@centra/testkit/service-keys.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { clientAs, testTls, testTlsFiles } from '@centra/testkit/test-tls.ts';
import { Client } from 'pg';
import request from 'supertest';
import type { Config } from './config.ts';
import { databaseRoles, migrate, migrationsFolder } from './migrate.ts';
import { startMerchant } from './service.ts';
import type { RunningMerchant } from './service.ts';
import { startFakeAuth } from './testing/fake-auth.ts';
import type { FakeAuth } from './testing/fake-auth.ts';

export type Row = Record<string, unknown>;

/** The service in this process, and the outside world it talks to. */
export type TestMerchant = {
  service: RunningMerchant;
  database: TestDatabase;
  config: Config & { keyringFile: string };
  keys: ServiceKeys;
  transaction: FakeTransaction;
  auth: FakeAuth;
  /** A client with the certificate of `caller`, the operator's by default; closed with the service. */
  client(caller?: string): MerchantServiceClient;
  /** A replica on the same database; the caller closes it. */
  startReplica(overrides?: Partial<Config>): Promise<RunningMerchant>;
  signer(service: string): Signer;
  /** Behind the service, as the superuser. */
  sql(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
};

/** Starts the service on free ports. */
export async function startTestMerchant(
  log: Logger = createLog('merchant', 'silent'),
  overrides: Partial<Omit<Config, 'keyringFile'>> = {},
): Promise<TestMerchant> {
  const database = await createTestDatabase({
    service: 'merchant',
    migrationsFolder,
    migrate,
    roles: databaseRoles,
  });
  const keys = createServiceKeys();
  const folder = temporaryFolder('merchant');
  const transaction = await startFakeTransaction();
  const auth = await startFakeAuth();
  const config: TestMerchant['config'] = {
    isProduction: false,
    host: '127.0.0.1',
    httpPort: 0,
    grpcPort: 0,
    opsPort: 0,
    databaseUrl: database.url,
    databasePoolMax: 6,
    transactionAddress: `127.0.0.1:${transaction.port}`,
    authAddress: `127.0.0.1:${auth.port}`,
    trustedKeys: keys.trustedKeys,
    tls: testTlsFiles('merchant'),
    masterKeys: 'file',
    keyringFile: join(folder, 'keyring.json'),
    vault: undefined,
    openedKeySeconds: 300,
    drainHours: 72,
    dataKeyMaxAgeDays: 90,
    webhookTrustedTargets: [],
    rewrapAfterSeconds: 3600,
    keyMaintenanceSeconds: 600,
    ...overrides,
  };
  const service = await startMerchant(config, log);
  const clients = new Map<string, MerchantServiceClient>();
  const admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  return {
    service,
    database,
    config,
    keys,
    transaction,
    auth,
    client(caller = 'operator') {
      const address = `127.0.0.1:${service.grpcPort}`;
      const made = clients.get(caller) ?? clientAs(caller, MerchantServiceClient, address, 'merchant');
      clients.set(caller, made);
      return made;
    },
    startReplica: (other = {}) => startMerchant({ ...config, ...other }, log),
    signer: (name) => createSigner(name, keys.privateKeys[name] ?? ''),
    sql: async (text, values) => (await admin.query<Row>(text, values)).rows,
    async close() {
      for (const each of clients.values()) each.close();
      await service.close();
      await transaction.close();
      await auth.close();
      await admin.end();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The transaction service's RPCs that this service calls, with answers that the test sets. */
export type FakeTransaction = {
  port: number;
  /** What was asked, in order. */
  asked: CheckProviderCredentialsRequest[];
  /** The next answers; by default every credential works. */
  answerWith(answer: AnswerCheck): void;
  /** What is still under way on an account's version; by default nothing. */
  useWith(answer: AnswerUse): void;
  close(): Promise<void>;
};
export type Answer = Partial<CheckProviderCredentialsResponse>;
type AnswerCheck = (request: CheckProviderCredentialsRequest) => Promise<Answer> | Answer;

type AnswerUse = (
  request: CountAccountUseRequest,
) => Promise<CountAccountUseResponse> | CountAccountUseResponse;

export const nothingIsOpen: AnswerUse = () => ({ openOperations: 0, openHolds: 0 });

export const everyCredentialWorks: AnswerCheck = () => ({ result: CredentialCheck.CREDENTIAL_CHECK_OK });

async function startFakeTransaction(): Promise<FakeTransaction> {
  const asked: CheckProviderCredentialsRequest[] = [];
  let answer: AnswerCheck = everyCredentialWorks;
  let answerUse: AnswerUse = nothingIsOpen;
  const log = createLog('fake-transaction', 'silent');
  const metrics = createMetrics('fake-transaction');
  // As the real one: only the merchant service may call it.
  const options = (name: string) => ({ log, metrics, name, callers: ['merchant'] });
  const implementation: Pick<TransactionServiceServer, 'checkProviderCredentials' | 'countAccountUse'> &
    UntypedServiceImplementation = {
    countAccountUse: unary<CountAccountUseRequest, CountAccountUseResponse>(
      options('CountAccountUse'),
      async (asking) => await answerUse(asking),
    ),
    checkProviderCredentials: unary<CheckProviderCredentialsRequest, CheckProviderCredentialsResponse>(
      options('CheckProviderCredentials'),
      async (asking) => {
        asked.push(asking);
        const given = await answer(asking);
        return { result: CredentialCheck.CREDENTIAL_CHECK_OK, message: '', accountName: '', ...given };
      },
    ),
  };
  const { checkProviderCredentials, countAccountUse } = TransactionServiceService;
  const definition = { checkProviderCredentials, countAccountUse };
  const { port, server } = await listenGrpc([{ definition, implementation }], {
    host: '127.0.0.1',
    port: 0,
    tls: testTls('transaction'),
  });
  return {
    port,
    asked,
    answerWith: (next) => (answer = next),
    useWith: (next) => (answerUse = next),
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
        setTimeout(() => server.forceShutdown(), 1_000).unref();
      }),
  };
}

// Far above what a loaded machine needs; reaching it is a failure.
export const DEADLINE_MS = 20_000;

/** What every call here carries: the caller is told by its certificate. */
export function callOptions() {
  return { metadata: callMetadata('req-test-0001'), deadlineMs: DEADLINE_MS };
}

/** What an operator sends for a hotel. */
export function hotel(overrides: Partial<CreateMerchantRequest> = {}): CreateMerchantRequest {
  return {
    merchantId: newUuid(),
    name: 'Riad Atlas',
    country: 'MA',
    timeZone: 'Africa/Casablanca',
    defaultCurrency: 'MAD',
    allowedOrigins: [],
    ...overrides,
  };
}

/** What the operator's hotels have besides. */
export const AS_REGISTERED = {
  limits: [],
  state: MerchantState.MERCHANT_STATE_VERIFIED,
  organisationId: '',
  locale: 'en',
  statementDescriptor: '',
};

/** Registers a hotel of its own and returns its id. */
export async function newHotel(
  test: TestMerchant,
  overrides: Partial<CreateMerchantRequest> = {},
): Promise<string> {
  const client = test.client('operator');
  const created = await callUnary(client.createMerchant.bind(client), hotel(overrides), callOptions());
  return created.merchantId;
}

/** HTTP as the gateway passes it on, by default for a test key that may do everything here. */
export function asCaller(test: TestMerchant, caller: Partial<Identity> & { merchantId: string }) {
  const identity: Identity = {
    mode: 'test',
    actor: 'api_key:key_01jd0000000000000000000000',
    scopes: ['provider_accounts:read', 'provider_accounts:write'],
    ...caller,
  };
  return request
    .agent(`http://127.0.0.1:${test.service.httpPort}`)
    .set('x-centra-identity', test.signer('api-gateway').identityToken('merchant', identity))
    .set('x-centra-client-address', '203.0.113.7');
}

export type Caller = ReturnType<typeof asCaller>;

/** A hotel and its test key. */
export async function newCaller(test: TestMerchant): Promise<{ merchantId: string; caller: Caller }> {
  const merchantId = await newHotel(test);
  return { merchantId, caller: asCaller(test, { merchantId }) };
}

let keyNumber = 0;

/** A Stripe secret key that no other call returns, and that is no real one. */
export function stripeKey(mode: 'test' | 'live' = 'test'): string {
  keyNumber += 1;
  return `sk_${mode}_canary${String(keyNumber).padStart(4, '0')}ABCDefgh${process.pid}`;
}

/** Connects a Stripe account and returns its public id. */
export async function connectStripe(
  caller: Caller,
  secretKey = stripeKey(),
  more: object = {},
): Promise<string> {
  const body = { provider: 'stripe', credentials: { secret_key: secretKey }, ...more };
  const created = await caller.post('/v1/provider-accounts').send(body).expect(201);
  return String(created.body.id);
}

/** GetProviderAccount as a service calls it; by default transaction, for the hotel's default card provider in test mode. */
export async function openAccount(
  test: TestMerchant,
  asked: Partial<GetProviderAccountRequest> & { merchantId: string },
  service = 'transaction',
): Promise<ProviderAccount> {
  const client = test.client(service);
  const selector = { $case: 'defaultOfKind', value: AccountKind.ACCOUNT_KIND_CARD_PROVIDER } as const;
  const wanted = { mode: Mode.MODE_TEST, selector, ...asked };
  return await callUnary(client.getProviderAccount.bind(client), wanted, callOptions());
}

/** The names of gRPC status codes, for assertions that read well. */
export const GRPC = grpcStatus;
