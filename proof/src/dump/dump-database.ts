import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';

// Rows fetched at once: a page of payments is some megabytes, and the whole of a long run would not fit.
const PAGE_ROWS = 2_000;
// A dump stands still behind nobody: it only reads. A server that hangs must not hang the proof.
const STATEMENT_TIMEOUT_MS = 120_000;
const CONNECT_TIMEOUT_MS = 15_000;

/**
 * What the database itself says beside the rows. The names begin with `pg_`, which Postgres keeps for itself, so none of
 * ours can collide with them.
 */
export const CATALOGUE: Readonly<Record<string, string>> = {
  // Who may do what to which table, granted or by owning it.
  pg_privileges: `
    select c.relname as table_name, owner.rolname as owner, coalesce(grantee.rolname, 'public') as grantee,
           acl.privilege_type as privilege, coalesce(grantee.rolsuper, false) as is_superuser
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      join pg_roles owner on owner.oid = c.relowner
      cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as acl
      left join pg_roles grantee on grantee.oid = acl.grantee
     where c.relkind in ('r', 'p')`,
  // tgtype is a bit mask: 1 row, 2 before, 8 delete, 16 update, 32 truncate (pg_trigger.h).
  pg_triggers: `
    select c.relname as table_name, t.tgname as name, t.tgenabled as enabled, p.proname as function,
           (t.tgtype & 2) <> 0 as is_before, (t.tgtype & 8) <> 0 as on_delete, (t.tgtype & 16) <> 0 as on_update,
           (t.tgtype & 32) <> 0 as on_truncate
      from pg_trigger t
      join pg_class c on c.oid = t.tgrelid
      join pg_proc p on p.oid = t.tgfoid
     where not t.tgisinternal`,
  // Connections of everybody but the dump.
  pg_connections: `
    select usename as role, coalesce(application_name, '') as application, coalesce(state, '') as state,
           extract(epoch from clock_timestamp() - coalesce(xact_start, clock_timestamp()))::float8 as transaction_seconds
      from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  // Whose clock decides: everything with a deadline is compared with this moment.
  pg_clock: `select clock_timestamp() as at`,
};

/** Writes `<table>.jsonl` for every table of a database, read in one snapshot, and what its catalogue says. */
export async function dumpDatabase(url: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
  });
  await client.connect();
  try {
    await client.query('begin transaction isolation level repeatable read, read only');
    // Times and bytes in one form, whatever the server was set to.
    await client.query(`set local timezone to 'UTC'`);
    await client.query(`set local bytea_output to 'hex'`);
    const { rows } = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
    );
    for (const { name } of rows)
      await dumpQuery(
        client,
        `select * from ${client.escapeIdentifier(name)}`,
        join(folder, `${name}.jsonl`),
      );
    for (const [name, query] of Object.entries(CATALOGUE))
      await dumpQuery(client, query, join(folder, `${name}.jsonl`));
    await client.query('commit');
  } finally {
    await client.end();
  }
}

async function dumpQuery(client: Client, query: string, file: string): Promise<void> {
  const handle = openSync(file, 'w');
  try {
    await client.query(
      `declare page no scroll cursor for select row_to_json(t)::text as line from (${query}) t`,
    );
    for (;;) {
      const { rows } = await client.query<{ line: string }>(`fetch ${PAGE_ROWS} from page`);
      if (rows.length === 0) break;
      writeSync(handle, `${rows.map(({ line }) => line).join('\n')}\n`);
    }
    await client.query('close page');
  } finally {
    closeSync(handle);
  }
}
