import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import type { EmbeddedPostgres } from './embedded-postgres.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { createTestDatabase, withDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

// A server of this file's own: it counts templates, and other files make theirs at the same time.
const folder = temporaryFolder('test-database');
const migrationsFolder = join(folder, 'migrations');
const shared = process.env['TEST_POSTGRES_URL'];
let server: EmbeddedPostgres;

before(async () => {
  temporaryMigration('create table rooms (id int)');
  server = await startEmbeddedPostgres({ dataDir: join(folder, 'data') });
  process.env['TEST_POSTGRES_URL'] = server.url;
});

after(async () => {
  if (shared === undefined) delete process.env['TEST_POSTGRES_URL'];
  else process.env['TEST_POSTGRES_URL'] = shared;
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('parallel callers build the template once and get a database each', async () => {
  let built = 0;
  const service = uniqueService();
  const create = async (): Promise<TestDatabase> =>
    await createTestDatabase({
      service,
      migrationsFolder,
      migrate: async (url) => {
        built += 1;
        await query(url, 'create table rooms (id int)');
      },
    });
  const databases = await Promise.all([create(), create(), create(), create()]);
  assert.equal(built, 1);
  assert.equal(new Set(databases.map(({ url }) => url)).size, 4);
  const [first, second] = databases;
  assert.ok(first !== undefined && second !== undefined);
  await query(first.url, 'insert into rooms values (1)');
  assert.deepEqual(await query(first.url, 'select id from rooms'), [{ id: 1 }]);
  assert.deepEqual(await query(second.url, 'select id from rooms'), []);
  await Promise.all(databases.map((database) => database.drop()));
  assert.deepEqual(
    await query(server.url, `select datname from pg_database where datname like 'test_${service}_%'`),
    [],
  );
});

test('callers in several processes build the template once too', async () => {
  const service = uniqueService();
  const program = `
    import { createTestDatabase } from ${JSON.stringify(import.meta.resolve('./test-database.ts'))};
    let built = 0;
    const options = { service: process.argv[1], migrationsFolder: process.argv[2], migrate: async () => { built += 1; } };
    const database = await createTestDatabase(options);
    await database.drop();
    console.log(built);`;
  const outputs = await Promise.all(
    [1, 2, 3].map(() => outputOf(program, [service, migrationsFolder], server.url)),
  );
  assert.deepEqual(outputs.map((output) => output.text.trim()).toSorted(), ['0', '0', '1']);
});

test('the service’s role owns its database and nothing else; the admin sees behind it', async () => {
  const service = uniqueService();
  const database = await createTestDatabase({
    service,
    migrationsFolder,
    migrate: async (url) => await query(url, 'create table rooms (id int)'),
    roles: [`${service}_reader`],
  });
  assert.deepEqual(await query(database.url, 'select current_user as who'), [{ who: service }]);
  assert.deepEqual(
    await query(
      database.adminUrl,
      'select current_user as who, rolsuper as super from pg_roles where rolname = current_user',
    ),
    [{ who: 'postgres', super: true }],
  );
  assert.deepEqual(
    await query(
      database.url,
      'select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls as powers from pg_roles where rolname = current_user',
    ),
    [{ powers: false }],
  );
  assert.deepEqual(await query(database.url, `set role "${service}_reader"; select 1`), []);
  await database.drop();
});

test('changed migrations make another template', async () => {
  const service = uniqueService();
  const built: string[] = [];
  const create = async (text: string): Promise<void> => {
    temporaryMigration(text);
    const database = await createTestDatabase({
      service,
      migrationsFolder,
      migrate: async () => void built.push(text),
    });
    await database.drop();
  };
  for (const text of ['create table one ()', 'create table two ()', 'create table one ()'])
    await create(text);
  assert.deepEqual(built, ['create table one ()', 'create table two ()']);
});

test('a template whose migration failed half-way is never used', async () => {
  const service = uniqueService();
  const failing = createTestDatabase({
    service,
    migrationsFolder,
    migrate: async (url) => {
      await query(url, 'create table half (id int)');
      throw new Error('migration failed');
    },
  });
  await assert.rejects(failing, /migration failed/);
  const database = await createTestDatabase({ service, migrationsFolder, migrate: async () => {} });
  assert.deepEqual(await query(database.url, `select to_regclass('half')::text as half`), [{ half: null }]);
  await database.drop();
});

test('a file that runs alone has a server of its own, which ends with it, also when a migration fails', async () => {
  for (const [migrate, said] of [
    ['', 'dropped'],
    [`throw new Error('failed')`, 'failed'],
  ] as const) {
    const { text } = await outputOf(loneProgram(migrate), [migrationsFolder]);
    const [word, address] = text.trim().split(' ');
    assert.equal(word, said);
    await assert.rejects(query(String(address), 'select 1'), /ECONNREFUSED/);
  }
});

test('withDatabase keeps the server and changes database and role', () => {
  assert.equal(
    withDatabase('postgres://postgres:pw@127.0.0.1:5432/postgres', 'a'),
    'postgres://postgres:pw@127.0.0.1:5432/a',
  );
  assert.equal(
    withDatabase('postgres://postgres:pw@127.0.0.1:5432/postgres', 'a', 'auth'),
    'postgres://auth@127.0.0.1:5432/a',
  );
});

function uniqueService(): string {
  return `kit_${randomBytes(4).toString('hex')}`;
}

function temporaryMigration(text: string): void {
  rmSync(migrationsFolder, { recursive: true, force: true });
  mkdirSync(migrationsFolder);
  writeFileSync(join(migrationsFolder, '0001_rooms.sql'), text);
}

/** What a process prints that runs this program and ends by itself. */
async function outputOf(program: string, args: string[], postgresUrl?: string): Promise<{ text: string }> {
  const { TEST_POSTGRES_URL: _own, ...rest } = process.env;
  const env = postgresUrl === undefined ? rest : { ...rest, TEST_POSTGRES_URL: postgresUrl };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 90_000,
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = await once(child, 'close');
  assert.equal(code, 0, text);
  return { text };
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows ?? [];
  } finally {
    await client.end();
  }
}

function loneProgram(migrate: string): string {
  return `
    import { createTestDatabase } from ${JSON.stringify(import.meta.resolve('./test-database.ts'))};
    let address = '';
    const migrate = async (url) => { address = url; ${migrate} };
    try {
      const database = await createTestDatabase({ service: 'alone', migrationsFolder: process.argv[1], migrate });
      await database.drop();
      console.log('dropped', address);
    } catch (error) {
      console.log(error.message, address);
    }`;
}
