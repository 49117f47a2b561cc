import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import type { EmbeddedPostgres } from './embedded-postgres.ts';
import { temporaryFolder } from './temporary-folder.ts';

export type TestDatabase = {
  /** postgres://… of the service's own role on a database of this test file's own. */
  url: string;
  /** postgres://… of the superuser on the same database, to look behind the service. */
  adminUrl: string;
  drop(): Promise<void>;
};

type Options = {
  /** The service: names the template and its role. */
  service: string;
  migrationsFolder: string;
  migrate(url: string): Promise<unknown>;
  /** Roles that the service's role may become, created without login. */
  roles?: readonly string[];
};

// Two test files that start at once must not build the same template; the number is arbitrary but ours.
const TEMPLATE_LOCK = 7_203_114;

/**
 * A database for one test file, cloned from a template that holds the migrated schema. The server is the one the test
 * command started (`TEST_POSTGRES_URL`), or one of this file's own when it runs alone.
 */
export async function createTestDatabase(options: Options): Promise<TestDatabase> {
  const server = await testServer();
  try {
    return await createOnServer(server, options);
  } catch (error) {
    // A server of this file's own would keep the failed test running for ever.
    await server.stop();
    throw error;
  }
}

async function createOnServer(server: TestServer, options: Options): Promise<TestDatabase> {
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  try {
    const template = await ensureTemplate(admin, server.url, options);
    const name = `test_${options.service}_${randomBytes(6).toString('hex')}`;
    await admin.query(`create database "${name}" template "${template}" owner "${options.service}"`);
    return {
      url: withDatabase(server.url, name, options.service),
      adminUrl: withDatabase(server.url, name),
      drop: () => dropDatabase(server, name),
    };
  } finally {
    await admin.end();
  }
}

type TestServer = { url: string; stop(): Promise<void> };

async function testServer(): Promise<TestServer> {
  const url = process.env['TEST_POSTGRES_URL'];
  if (url !== undefined) return { url, stop: async () => {} };
  const folder = temporaryFolder('test-postgres');
  const own: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir: join(folder, 'data') });
  return {
    url: own.url,
    async stop() {
      await own.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ensureTemplate(admin: Client, serverUrl: string, options: Options): Promise<string> {
  const template = `template_${options.service}_${migrationsDigest(options.migrationsFolder)}`;
  await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const known = await admin.query('select 1 from pg_database where datname = $1 and datistemplate', [
      template,
    ]);
    if (known.rowCount === 1) return template;
    await createRoles(admin, options);
    // Left over from a run that was killed while it migrated.
    await admin.query(`drop database if exists "${template}"`);
    await admin.query(`create database "${template}" owner "${options.service}"`);
    await options.migrate(withDatabase(serverUrl, template, options.service));
    await admin.query(`alter database "${template}" with is_template true`);
    return template;
  } finally {
    await admin.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

/** Creates the service's login role and the roles it may become. Safe to repeat. */
export async function createRoles(admin: Client, options: Pick<Options, 'service' | 'roles'>): Promise<void> {
  const create = async (name: string, attributes: string): Promise<void> => {
    const known = await admin.query('select 1 from pg_roles where rolname = $1', [name]);
    if (known.rowCount === 0) await admin.query(`create role "${name}" ${attributes}`);
  };
  await create(options.service, 'login');
  for (const role of options.roles ?? []) {
    await create(role, 'nologin');
    await admin.query(`grant "${role}" to "${options.service}"`);
  }
}

function migrationsDigest(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).toSorted())
    hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}

/** The same server, another database and role. */
export function withDatabase(serverUrl: string, database: string, role?: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  if (role !== undefined) {
    url.username = role;
    url.password = '';
  }
  return url.toString();
}

async function dropDatabase(server: TestServer, name: string): Promise<void> {
  const admin = new Client({ connectionString: server.url });
  try {
    await admin.connect();
    await admin.query(`drop database if exists "${name}" with (force)`);
  } finally {
    await admin.end();
    await server.stop();
  }
}
