import type { Platform } from '@centra/dev/platform.ts';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import type { Client } from 'pg';
import { z } from 'zod';
import { inDatabase, tablesOf, WITH_TABLES } from './rows.ts';
import type { Table, WithTables } from './rows.ts';
import type { World } from './world.ts';

// What the databases themselves keep apart (security-tests row 32), as docs/decisions/0007-row-level-security.md has it:
// reader roles and, where row security is forced, the table's owner too see no row of any hotel until they name one, and then
// that one's alone.

/** Roles that reads run as, by service. */
const READERS: Readonly<Record<WithTables, readonly string[]>> = {
  auth: ['auth_reader'],
  merchant: ['merchant_reader'],
  'payment-api': [],
  transaction: ['transaction_reader'],
};

/** Tables of hotels whose owner is not bound, by decision 0007: writes there name the hotel in every key and condition. */
const OWNER_NOT_BOUND: Readonly<Record<WithTables, 'all' | readonly string[]>> = {
  auth: 'all',
  merchant: [],
  'payment-api': ['replies', 'quoted_operations'],
  transaction: 'all',
};

// The built-in simulator's own books (decision 0021): the outside world, kept by the account at it and never read for a hotel.
const SIMULATOR = ['challenges', 'effects', 'payments', 'secret', 'tries'].map((name) => `simulator_${name}`);

const OF_ORGANISATIONS = ['organisations', 'organisation_owners', 'organisation_events'];

/** Tables that belong to no hotel. */
const OF_NO_HOTEL: Readonly<Record<WithTables, readonly string[]>> = {
  auth: [
    'mikro_orm_migrations',
    // Of people, who may work at several hotels; what a reader sees of them, auth's own tests say.
    'users',
    'email_tokens',
    'login_guards',
    'refresh_tokens',
    'factors',
    'recovery_codes',
    'user_events',
    'sessions',
    'signing_keys',
    'usage_reports',
    // Of addresses, whoever invited them.
    'invitation_mails',
  ],
  // Of organisations, whose owners are people; `organisationsAreBound` looks at those.
  merchant: ['mikro_orm_migrations', ...OF_ORGANISATIONS],
  'payment-api': ['mikro_orm_migrations'],
  transaction: ['mikro_orm_migrations', ...SIMULATOR],
};

/** Everything that row 32 asks for, in every database. */
export async function checkTenants({ platform, owner, intruder }: World): Promise<Check[]> {
  const checks: Check[] = [];
  for (const service of WITH_TABLES)
    checks.push(
      ...(await inDatabase(platform, service, async (client) => {
        const tables = await tablesOf(client);
        const tenants = tables.filter(({ tenant, name }) => tenant && !OF_NO_HOTEL[service].includes(name));
        const hotels = { owner: owner.merchantId, intruder: intruder.merchantId };
        return [
          onlyKnown(service, tables),
          ...(await readersSeeNothing(client, service, tenants, hotels)),
          ...(await ownersSeeNothing(client, service, tenants, hotels)),
        ];
      })),
    );
  checks.push(...(await organisationsAreBound(platform)));
  checks.push(await nobodyElseConnects(platform));
  return checks;
}

// Mails wait there; its library makes its own tables.
const OF_THE_QUEUE = 'graphile_worker.';

function onlyKnown(service: WithTables, tables: readonly Table[]): Check {
  const unknown = tables.filter(
    ({ tenant, name }) => !tenant && !OF_NO_HOTEL[service].includes(name) && !name.startsWith(OF_THE_QUEUE),
  );
  const names = unknown.map(({ name }) => name).join(', ');
  return check(
    `${service}: every table names the hotel of its rows`,
    unknown.length === 0,
    `${names} does not`,
  );
}

type Hotels = { owner: string; intruder: string };

async function readersSeeNothing(
  client: Client,
  service: WithTables,
  tables: readonly Table[],
  hotels: Hotels,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const role of READERS[service])
    for (const { name } of tables) {
      const { rows } = await client.query('select has_any_column_privilege($1, $2, $3) as may', [
        role,
        name,
        'select',
      ]);
      const may = z.array(z.object({ may: z.boolean() })).parse(rows)[0]?.may;
      if (may !== true) continue;
      checks.push(await seesOnlyNamed(client, `${service}: ${role} on ${name}`, { role, name }, hotels));
      const changes = await client.query(
        `select has_table_privilege($1, $2, 'insert, update, delete, truncate') as may`,
        [role, name],
      );
      const isReader = changes.rows[0]?.may === false;
      checks.push(check(`${service}: ${role} may only read ${name}`, isReader, 'it may change it'));
    }
  return checks;
}

async function ownersSeeNothing(
  client: Client,
  service: WithTables,
  tables: readonly Table[],
  hotels: Hotels,
): Promise<Check[]> {
  const unbound = OWNER_NOT_BOUND[service];
  const checks: Check[] = [];
  for (const { name, forced, owner } of tables) {
    const mayBeUnbound = unbound === 'all' || unbound.includes(name);
    if (forced)
      checks.push(
        await seesOnlyNamed(client, `${service}: the owner of ${name}`, { role: owner, name }, hotels),
      );
    else
      checks.push(
        check(
          `${service}: ${name} is bound for its owner too, or by decision 0007 for readers`,
          mayBeUnbound,
          'row security is not forced on its owner',
        ),
      );
  }
  return checks;
}

/** As that role: no row without a hotel, none for an empty one, and for one hotel that hotel's rows alone. */
async function seesOnlyNamed(
  client: Client,
  subject: string,
  { role, name }: { role: string; name: string },
  { owner, intruder }: Hotels,
): Promise<Check> {
  const count = async (merchantId: string | undefined): Promise<{ all: number; foreign: number }> => {
    await client.query('begin');
    try {
      await client.query(`set local role ${client.escapeIdentifier(role)}`);
      if (merchantId !== undefined)
        await client.query(`select set_config('centra.merchant_id', $1, true)`, [merchantId]);
      const { rows } = await client.query(
        `select count(*)::int as all, count(*) filter (where merchant_id::text is distinct from $1)::int as foreign
           from ${name}`,
        [merchantId ?? ''],
      );
      return z.object({ all: z.int(), foreign: z.int() }).parse(rows[0]);
    } finally {
      await client.query('rollback');
    }
  };
  const stored = await client.query(`select count(*)::int as n from ${name} where merchant_id = $1`, [owner]);
  const [none, empty, own, others] = [
    await count(undefined),
    await count(''),
    await count(owner),
    await count(intruder),
  ];
  const wrong = [
    ...(none.all === 0 ? [] : [`${none.all} rows without a hotel`]),
    ...(empty.all === 0 ? [] : [`${empty.all} rows for an empty one`]),
    ...(own.foreign === 0 && others.foreign === 0 ? [] : ['rows of another hotel than the named one']),
    ...(own.all === stored.rows[0]?.n
      ? []
      : [`${own.all} instead of the ${stored.rows[0]?.n} rows of the named one`]),
  ];
  return check(
    `${subject} sees the rows of the hotel that it names, and otherwise none`,
    wrong.length === 0,
    wrong.join('; '),
  );
}

/** Who says neither who they are nor which organisation they opened sees none, the tables' owner too. */
async function organisationsAreBound(platform: Platform): Promise<Check[]> {
  return await inDatabase(platform, 'merchant', async (client) => {
    const checks: Check[] = [];
    for (const name of OF_ORGANISATIONS) {
      const stored = await client.query(`select count(*)::int as n from ${name}`);
      await client.query('begin');
      await client.query('set local role merchant');
      const seen = await client.query(`select count(*)::int as n from ${name}`);
      await client.query('rollback');
      const isBound = stored.rows[0]?.n > 0 && seen.rows[0]?.n === 0;
      const told = `${seen.rows[0]?.n} of ${stored.rows[0]?.n} rows`;
      checks.push(check(`merchant: ${name} shows no row to whoever opened none`, isBound, told));
    }
    return checks;
  });
}

/** No service's own role may open another service's database. */
async function nobodyElseConnects(platform: Platform): Promise<Check> {
  return await inDatabase(platform, 'auth', async (client) => {
    const { rows } = await client.query(`
      select d.datname || ' by ' || r.rolname as open
        from pg_database d cross join pg_roles r
       where d.datdba <> (select oid from pg_roles where rolname = 'postgres') and not d.datistemplate
         and r.rolname !~ '^pg_' and not r.rolsuper and r.oid <> d.datdba
         and has_database_privilege(r.oid, d.oid, 'connect')`);
    const open = z.array(z.object({ open: z.string() })).parse(rows);
    return check(
      'no role may connect to the database of another service',
      open.length === 0,
      open.map((row) => row.open).join(', '),
    );
  });
}
