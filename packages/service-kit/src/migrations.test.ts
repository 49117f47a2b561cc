import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { applyMigrations } from './migrations.ts';

// Inside the package, so that the migrations in it find the ORM.
const folder = mkdtempSync(join(import.meta.dirname, '.migrations-'));
const empty = mkdtempSync(join(import.meta.dirname, '.migrations-'));
let database: TestDatabase;

before(async () => {
  write('0001_rooms', `this.addSql('create table rooms (id int primary key)');`);
  write('0002_floor', `this.addSql('alter table rooms add column floor int8 not null default 0');`);
  database = await createTestDatabase({
    service: 'kit_migrations',
    migrationsFolder: empty,
    migrate: async () => {},
  });
});

after(async () => {
  await database.drop();
  for (const path of [folder, empty]) rmSync(path, { recursive: true, force: true });
});

test('processes that start at once apply each migration once, and none fails', async () => {
  const applied = await Promise.all([1, 2, 3].map(() => applyInChild()));
  assert.deepEqual(applied.flat().toSorted(), ['0001_rooms', '0002_floor']);
  assert.deepEqual(
    await query('select column_name from information_schema.columns where table_name = $1 order by 1', [
      'rooms',
    ]),
    [{ column_name: 'floor' }, { column_name: 'id' }],
  );
});

test('applying again changes nothing and keeps what is there', async () => {
  await query('insert into rooms values (7, 1)');
  assert.deepEqual(await applyMigrations({ url: database.url, migrationsFolder: folder }), []);
  assert.deepEqual(await query('select id from rooms'), [{ id: 7 }]);
});

test('a migration that fails leaves nothing of itself, and is applied when mended', async () => {
  write(
    '0003_guests',
    `this.addSql('create table guests (id int)'); this.addSql('create table rooms (id int)');`,
  );
  await assert.rejects(applyMigrations({ url: database.url, migrationsFolder: folder }), /already exists/);
  assert.deepEqual(await query(`select to_regclass('guests')::text as found`), [{ found: null }]);
  write('0003_guests', `this.addSql('create table guests (id int)');`);
  assert.deepEqual(await applyInChild(), ['0003_guests']);
  assert.deepEqual(await query(`select to_regclass('guests')::text as found`), [{ found: 'guests' }]);
});

test('a database that is away is an error, not a wait without end', async () => {
  const away = new URL(database.url);
  away.port = '1';
  await assert.rejects(applyMigrations({ url: away.toString(), migrationsFolder: folder }));
});

function write(name: string, body: string): void {
  const text = `import { Migration } from '@mikro-orm/migrations';
export class Migration${name} extends Migration {
  override up(): void {
    ${body}
  }
}
`;
  writeFileSync(join(folder, `${name}.ts`), text);
}

/** In a process of its own, as pods do it; also because a process reads a module once. */
async function applyInChild(): Promise<string[]> {
  const program = `
    import { applyMigrations } from ${JSON.stringify(import.meta.resolve('./migrations.ts'))};
    const applied = await applyMigrations({ url: process.argv[1], migrationsFolder: process.argv[2] });
    console.log(JSON.stringify(applied));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, database.url, folder]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  assert.equal(code, 0, stderr);
  return Array.from(Object(JSON.parse(stdout)), String);
}

async function query(text: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new Client({ connectionString: database.adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text, values);
    return rows;
  } finally {
    await client.end();
  }
}
