import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import type { ValidateApiKeyResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { Identity, Signer } from '@centra/service-kit/service-identity.ts';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { clientAs, testTlsFiles } from '@centra/testkit/test-tls.ts';
import { Client } from 'pg';
import request from 'supertest';
import { SCOPES } from '@centra/service-kit/permissions.ts';
import type { Config } from './config.ts';
import type { Overrides } from './context.ts';
import { databaseRoles, migrate, migrationsFolder } from './migrate.ts';
import { startAuth } from './service.ts';
import type { Auth } from './service.ts';

export type Row = Record<string, unknown>;
export type FirstKey = { id: string; secret: string; merchantId: string };

/** One or more replicas of the service on one database, with the callers' side of both transports. */
export type TestAuth = {
  auth: Auth;
  database: TestDatabase;
  config: Config;
  signer(service: string): Signer;
  /** Another replica; stopped with the others. */
  startReplica(overrides?: Overrides, config?: Partial<Config>): Promise<Auth>;
  /** A client with the certificate of `caller`, of a replica, the first one by default. */
  client(caller: string, replica?: Auth): AuthServiceClient;
  /** Behind the service, as the superuser. */
  sql(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
};

/** Starts the service in this process on free ports, by default without a merchant service to ask. */
export async function startTestAuth(
  overrides: Overrides = {},
  { merchantAddress }: Pick<Config, 'merchantAddress'> = { merchantAddress: '127.0.0.1:1' },
): Promise<TestAuth> {
  const database = await createTestDatabase({
    service: 'auth',
    migrationsFolder,
    migrate,
    roles: databaseRoles,
  });
  const keys = createServiceKeys();
  const folder = temporaryFolder('auth');
  const config: Config = {
    host: '127.0.0.1',
    httpPort: 0,
    grpcPort: 0,
    opsPort: 0,
    databaseUrl: database.url,
    databasePoolMax: 4,
    trustedKeys: keys.trustedKeys,
    tls: testTlsFiles('auth'),
    // Where nobody answers by default; a test that needs the merchant service gives its own.
    merchantAddress,
    usageFlushIntervalMs: 100,
    isProduction: false,
    redisUrl: undefined,
    keyringFile: join(folder, 'keyring.json'),
    // The least that is allowed: a test logs in many times.
    bcryptCost: 10,
    tokens: {
      issuer: 'centra-payments',
      algorithm: 'ES256',
      secret: undefined,
      accessTtlS: 900,
      rotationDays: 90,
    },
    // Far above what a test does by the way; tests of the limit set their own.
    loginsPerMinute: 1_000,
    mail: {
      smtpUrl: undefined,
      maildir: join(folder, 'mail'),
      from: 'Centra Payments <no-reply@centra.example>',
      dashboardUrl: 'https://dashboard.centra.example',
    },
  };
  const admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  const replicas = new Set<Auth>();
  const clients: AuthServiceClient[] = [];
  const startReplica: TestAuth['startReplica'] = async (own = {}, ownConfig = {}) => {
    const started = await startAuth(
      { ...config, ...ownConfig },
      { log: createLog('auth', 'silent'), ...own },
    );
    const replica: Auth = {
      ...started,
      async close() {
        // A test may stop its replica itself; the end of the file then has nothing left to stop.
        if (replicas.delete(replica)) await started.close();
      },
    };
    replicas.add(replica);
    return replica;
  };
  const auth = await startReplica(overrides);
  return {
    auth,
    database,
    config,
    startReplica,
    signer: (service) => createSigner(service, keys.privateKeys[service] ?? ''),
    client(caller, replica = auth) {
      const client = clientAs(caller, AuthServiceClient, `127.0.0.1:${replica.grpcPort}`, 'auth');
      clients.push(client);
      return client;
    },
    sql: async (text, values) => (await admin.query<Row>(text, values)).rows,
    async close() {
      for (const client of clients) client.close();
      await Promise.all([...replicas].map((replica) => replica.close()));
      await admin.end();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// Far above what a loaded machine needs; reaching it is a failure.
export const DEADLINE_MS = 20_000;

/** A key made by the operator over gRPC, for a merchant of its own unless told otherwise. */
export async function createFirstKey(
  service: TestAuth,
  wanted: { merchantId?: string; mode?: Mode; scopes?: readonly string[]; expiresAt?: Date } = {},
): Promise<FirstKey> {
  const client = service.client('operator');
  const merchantId = wanted.merchantId ?? newUuid();
  const answer = await callUnary(
    client.createApiKey.bind(client),
    {
      merchantId,
      mode: wanted.mode ?? Mode.MODE_TEST,
      name: 'First key',
      scopes: [...(wanted.scopes ?? SCOPES)],
      expiresAt: wanted.expiresAt,
    },
    {
      metadata: callMetadata('req-first-key'),
      deadlineMs: DEADLINE_MS,
    },
  );
  return { id: answer.apiKeyId, secret: answer.secret, merchantId };
}

/** ValidateApiKey as the gateway calls it. Rejects with the raw ServiceError. */
export async function validate(
  service: TestAuth,
  secret: string,
  replica?: Auth,
): Promise<ValidateApiKeyResponse> {
  const client = service.client('api-gateway', replica);
  return await callUnary(
    client.validateApiKey.bind(client),
    { secret },
    {
      metadata: callMetadata('req-validate'),
      deadlineMs: DEADLINE_MS,
    },
  );
}

export type CallerIdentity = Partial<Identity> & { merchantId: string };

/** HTTP as the gateway passes it on, for an identity it vouches for: by default a test key with every scope. */
export function asCaller(
  service: TestAuth,
  caller: CallerIdentity,
  replica: Auth = service.auth,
): ReturnType<typeof request.agent> {
  const identity: Identity = {
    mode: 'test',
    actor: 'api_key:key_01jd0000000000000000000000',
    scopes: SCOPES,
    ...caller,
  };
  return request
    .agent(replica.httpUrl)
    .set('x-centra-identity', service.signer('api-gateway').identityToken('auth', identity))
    .set('x-centra-client-address', '203.0.113.7');
}
