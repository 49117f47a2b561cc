import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { Client } from 'pg';
import { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { problemSchema } from '@centra/service-kit/problem-schema.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import { clientAs, testTlsFiles } from '@centra/testkit/test-tls.ts';
import type { Config } from '../config.ts';
import { migrate, migrationsFolder } from '../migrate.ts';
import { SHIPPED_PRICING_FILE, readPricingFile } from '../quotes/pricing-file.ts';
import { startPaymentApi } from '../service.ts';
import type { RunningPaymentApi } from '../service.ts';
import { startAuthDouble } from './auth-double.ts';
import type { AuthDouble } from './auth-double.ts';
import { startTransactionDouble } from './transaction-double.ts';
import type { TransactionDouble } from './transaction-double.ts';

export type Answer = {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
  json(): Record<string, unknown>;
  /** The fields that a problem document names, each once. */
  errorFields(): string[];
};

export type Call = {
  method?: string;
  /** Who the gateway says is calling; null for nobody. */
  as?: Identity | null;
  headers?: Record<string, string>;
  /** Sent as JSON unless it is bytes. */
  body?: unknown;
  /** Without a length announced beforehand. */
  chunked?: boolean;
  /** Of another process of the service. */
  port?: number;
};

export type Stand = {
  service: RunningPaymentApi;
  config: Config;
  transaction: TransactionDouble;
  auth: AuthDouble;
  /** A superuser's connection, to look behind the service. */
  database: Client;
  privateKeys: Record<string, string>;
  trustedKeys: string;
  call(path: string, call?: Call): Promise<Answer>;
  /** `POST /v1/charge` */
  charge(key: string, body: unknown, call?: Call): Promise<Answer>;
  /** Any POST that takes an Idempotency-Key. */
  post(path: string, key: string, body?: unknown, call?: Call): Promise<Answer>;
  replyCount(): Promise<number>;
  /** Another process of the same service on the same database. */
  startAnother(changes?: Partial<Config>): Promise<RunningPaymentApi>;
  /** The booking API's client of a process of the service, the first one by default. */
  bookingApi(of?: RunningPaymentApi): PaymentServiceClient;
  close(): Promise<void>;
};

/** A hotel with every scope of this service. */
export function newMerchant(changes: Partial<Identity> = {}): Identity {
  const actor = 'api_key:key_01jd0000000000000000000000';
  return {
    merchantId: newUuid(),
    mode: 'test',
    actor,
    scopes: ['payments:read', 'payments:write', 'refunds:write'],
    ...changes,
  };
}

/** A body that charges; `changes` replace or add fields. */
export function chargeBody(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    card_token: 'tok_succeeds',
    amount: 12_050,
    currency: 'EUR',
    booking_reference: 'BK-1',
    ...changes,
  };
}

/** Test only: the service in this process on free ports and a real database, between two contract doubles. */
export async function startWithDoubles(changes: Partial<Config> = {}): Promise<Stand> {
  const keys = createServiceKeys();
  const [testDatabase, transaction, auth] = await Promise.all([
    createTestDatabase({ service: 'payment-api', migrationsFolder, migrate }),
    startTransactionDouble(),
    startAuthDouble(),
  ]);
  const config: Config = {
    host: '127.0.0.1',
    httpPort: 0,
    grpcPort: 0,
    opsPort: 0,
    databaseUrl: testDatabase.url,
    databasePoolMax: 4,
    authGrpcAddress: auth.address,
    transactionGrpcAddress: transaction.address,
    signingKeyPem: keys.privateKeys['payment-api'] ?? '',
    trustedKeys: keys.trustedKeys,
    tls: testTlsFiles('payment-api'),
    saleDeadlineMs: 20_000,
    reapIntervalMs: 3_600_000,
    pricing: readPricingFile(SHIPPED_PRICING_FILE),
    quoteLifetimeMinutes: 30,
    production: false,
    failpoint: () => {},
    ...changes,
  };
  const log = createLog('payment-api', 'silent');
  const startAnother = async (more: Partial<Config> = {}) =>
    await startPaymentApi({ ...config, ...more }, { log });
  const service = await startAnother();
  const database = new Client({ connectionString: testDatabase.adminUrl });
  await database.connect();
  // The test drops the database under this connection at the end.
  database.on('error', () => {});
  const gateway = createSigner('api-gateway', keys.privateKeys['api-gateway'] ?? '');
  const call = async (path: string, options: Call = {}): Promise<Answer> =>
    await send(options.port ?? service.httpPort, path, options, (identity) =>
      gateway.identityToken('payment-api', identity),
    );
  const post: Stand['post'] = async (path, key, body, options = {}) =>
    await call(path, {
      method: 'POST',
      ...options,
      ...(body === undefined ? {} : { body }),
      headers: { 'idempotency-key': key, ...options.headers },
    });
  return {
    service,
    config,
    transaction,
    auth,
    database,
    privateKeys: keys.privateKeys,
    trustedKeys: keys.trustedKeys,
    call,
    charge: async (key, body, options) => await post('/v1/charge', key, body, options),
    post,
    async replyCount() {
      const { rows } = await database.query<{ count: string }>('select count(*) from replies');
      return Number(rows[0]?.count);
    },
    startAnother,
    bookingApi: ({ grpcPort } = service) =>
      clientAs('booking-api', PaymentServiceClient, `127.0.0.1:${grpcPort}`, 'payment-api'),
    async close() {
      await service.close();
      await Promise.all([transaction.close(), auth.close(), database.end()]);
      await testDatabase.drop();
    },
  };
}

const DEFAULT_CALLER = newMerchant();

/** One request on a connection of its own, byte for byte as given. */
async function send(
  port: number,
  path: string,
  call: Call,
  tokenFor: (identity: Identity) => string,
): Promise<Answer> {
  const identity = call.as === undefined ? DEFAULT_CALLER : call.as;
  const bytes =
    call.body === undefined || Buffer.isBuffer(call.body)
      ? call.body
      : Buffer.from(JSON.stringify(call.body));
  const headers = {
    ...(identity === null
      ? {}
      : { 'x-centra-identity': tokenFor(identity), 'x-centra-client-address': '203.0.113.7' }),
    ...(bytes === undefined ? {} : { 'content-type': 'application/json' }),
    ...(bytes === undefined || call.chunked ? {} : { 'content-length': String(bytes.length) }),
    ...call.headers,
  };
  return await new Promise<Answer>((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path, method: call.method ?? 'GET', headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const all = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes: all,
            json: () => parseObject(all),
            errorFields: () => [
              ...new Set(problemSchema.parse(parseObject(all)).errors?.map((error) => error.field)),
            ],
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(bytes);
  });
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  const value: Record<string, unknown> = JSON.parse(bytes.toString());
  return value;
}
