import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { SCOPES } from '@centra/service-kit/permissions.ts';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import type { ServiceKeys } from '@centra/testkit/service-keys.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { clientAs } from '@centra/testkit/test-tls.ts';
import { SERVICES_FOLDER, startChildService } from './child-service.ts';
import type { ChildService } from './child-service.ts';

export type ApiKey = { id: string; secret: string; merchantId: string };

export type RealAuth = ChildService & {
  keys: ServiceKeys;
  folder: string;
  /** Where its mails arrive. */
  mailFolder: string;
  /** Its gRPC side, as the operator. */
  client: AuthServiceClient;
  /** A new key; by default of a new merchant, in test mode, with every scope. */
  createKey(wanted?: { merchantId?: string; mode?: Mode; scopes?: readonly string[] }): Promise<ApiKey>;
  stop(): Promise<void>;
};

// Far above what a loaded machine needs.
const DEADLINE_MS = 20_000;

/** The auth service itself, on a database of its own. */
export async function startRealAuth(): Promise<RealAuth> {
  const keys = createServiceKeys();
  const folder = temporaryFolder('gateway');
  const database = await createServiceDatabase('auth', ['auth_reader']);
  const mailFolder = join(folder, 'mail');
  const child = await startChildService('auth', keys, join(folder, 'auth'), {
    DATABASE_URL: database.url,
    KEYRING_FILE: join(folder, 'keyring.json'),
    MAILDIR: mailFolder,
    // The least that is allowed, and out of the way: a test logs in many times.
    BCRYPT_COST: '10',
    LIMIT_LOGINS_PER_MINUTE: '10000',
  });
  const client = clientAs('operator', AuthServiceClient, child.grpcAddress, 'auth');
  return {
    ...child,
    keys,
    folder,
    mailFolder,
    client,
    async createKey(wanted = {}) {
      const merchantId = wanted.merchantId ?? newUuid();
      const answer = await callUnary(
        client.createApiKey.bind(client),
        {
          merchantId,
          mode: wanted.mode ?? Mode.MODE_TEST,
          name: 'Test key',
          scopes: [...(wanted.scopes ?? SCOPES)],
          expiresAt: undefined,
        },
        { metadata: callMetadata('req-create-key'), deadlineMs: DEADLINE_MS },
      );
      return { id: answer.apiKeyId, secret: answer.secret, merchantId };
    },
    async stop() {
      client.close();
      child.thaw();
      await child.kill();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A database with the service's own migrations, applied by the service's own command. */
export async function createServiceDatabase(
  service: string,
  roles: readonly string[],
): Promise<TestDatabase> {
  const folder = join(SERVICES_FOLDER, service);
  return await createTestDatabase({
    service,
    roles,
    migrationsFolder: join(folder, 'migrations'),
    migrate: async (url) =>
      await promisify(execFile)(process.execPath, [join(folder, 'src', 'migrate.ts')], {
        env: { ...process.env, DATABASE_URL: url },
      }),
  });
}
