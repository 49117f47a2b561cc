import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withDatabase } from '@centra/testkit/test-database.ts';
import { migrate } from '@centra/transaction/migrate.ts';
import { Client, Pool } from 'pg';

export type DatabaseLimit = { driver: string; chargesPerSecond: number };

type Options = { connections: number; merchants: number; seconds: number };

// The rows of one charge, as sale and transition store them, in the leanest form a client could send: one charge per
// statement, ids made by the server, nothing to parse (a space behind each JSON colon: pgbench reads `:12550`, also inside a text, as a variable). The same tables, indexes, constraints and triggers.
const WRITE_1 = `
with operation as (
  insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor, currency, provider,
    provider_account_id, provider_account_version, card_token, actor, request_id)
  values (md5((<merchant>)::text)::uuid, gen_random_uuid(), uuidv7(), 'sale', 'sent', 1, now() + interval '90 s',
    decode('abababababababababababababababababababababababababababababababab', 'hex'), 12550, 'EUR', 'simulator',
    '00000000-0000-7000-8000-000000000001', 1, 'sim_card_visa', 'bench', 'req_bench')
  on conflict (merchant_id, id) do nothing returning merchant_id, id, payment_id
), payment as (
  insert into payments (merchant_id, id, mode, status, version, amount_minor, currency, provider, provider_account_id,
    booking_reference, guest, description, metadata)
  select merchant_id, payment_id, 'test', 'processing', 1, 12550, 'EUR', 'simulator', '00000000-0000-7000-8000-000000000001',
    'BENCH-1', '{"name": "Amina Guest","email": "amina@example.com"}', 'One night, double room', '{"channel": "bench"}' from operation
), event as (
  insert into payment_events (merchant_id, payment_id, version, type, to_status, operation_id, attempt, actor, request_id, address, details)
  select merchant_id, payment_id, 1, 'payment.created', 'processing', id, 1, 'bench', 'req_bench', '127.0.0.1', '{}' from operation
), outbox as (
  insert into outbox (merchant_id, payment_id, version, type, data)
  select merchant_id, payment_id, 1, 'payment.created',
    '{"status": "processing","amount": 12550,"currency": "EUR","booking_reference": "BENCH-1"}' from operation
)
select merchant_id, id from operation`;

const WRITE_2 = `
with operation as (
  update operations set state = 'succeeded', finished_at = now(), due_at = now(), provider_reference = 'sim_0123456789abcdef01234567'
   where merchant_id = (<merchant_id>)::uuid and id = (<operation_id>)::uuid and attempt = 1 and state in ('sent', 'unknown')
  returning merchant_id, id, payment_id
), payment as (
  update payments p set status = 'succeeded', version = version + 1, authorized_minor = 12550, captured_minor = 12550,
    provider_reference = 'sim_0123456789abcdef01234567', card = '{"brand": "visa","last4": "4242"}', updated_at = now()
    from operation o where p.merchant_id = o.merchant_id and p.id = o.payment_id and p.status = 'processing'
  returning p.merchant_id, p.id, o.id as operation_id
), event as (
  insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor, request_id, address, details)
  select merchant_id, id, 2, 'payment.successful', 'processing', 'succeeded', operation_id, 1, 'bench', 'req_bench', '', '{}' from payment
), outbox as (
  insert into outbox (merchant_id, payment_id, version, type, data)
  select merchant_id, id, 2, 'payment.successful',
    '{"status": "succeeded","amount": 12550,"currency": "EUR","booking_reference": "BENCH-1"}' from payment
)
select id from payment`;

/** How many charges a second the database alone takes: the same durable rows with nothing in front of it. */
export async function measureDatabaseLimit(
  serverUrl: string,
  folder: string,
  options: Options,
): Promise<DatabaseLimit> {
  const url = await createBenchDatabase(serverUrl);
  return spawnSync('pgbench', ['--version'], { stdio: 'ignore' }).status === 0
    ? await runPgbench(url, folder, options)
    : await runOwnDriver(url, options);
}

async function createBenchDatabase(serverUrl: string): Promise<string> {
  const name = `bench_${randomBytes(4).toString('hex')}`;
  const admin = new Client({ connectionString: serverUrl });
  await admin.connect();
  await admin.query(`create database ${name} owner transaction`);
  await admin.end();
  const url = withDatabase(serverUrl, name, 'transaction');
  await migrate(url);
  return url;
}

async function runPgbench(url: string, folder: string, options: Options): Promise<DatabaseLimit> {
  const first = oneLine(WRITE_1.replace('<merchant>', ':merchant'));
  const second = oneLine(
    WRITE_2.replace('<merchant_id>', ':w_merchant_id').replace('<operation_id>', ':w_id'),
  );
  const script = join(folder, 'charge.pgbench');
  writeFileSync(script, `\\set merchant random(1, ${options.merchants})\n${first} \\gset w_\n${second};\n`);
  const args = [
    '-n',
    '-M',
    'prepared',
    '-c',
    String(options.connections),
    '-j',
    '1',
    '-T',
    String(options.seconds),
    '-f',
    script,
    url,
  ];
  const child = spawn('pgbench', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  await new Promise<void>((done) => child.once('close', () => done()));
  const tps = /tps = ([\d.]+)/.exec(output)?.[1];
  if (tps === undefined) throw new Error(`pgbench failed: ${output.slice(0, 2_000)}`);
  return { driver: 'pgbench', chargesPerSecond: Number(tps) };
}

/** pgbench ends a statement at its semicolon or meta-command; line breaks inside would be fine, long lines are too. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

/** For machines without pgbench: the same statements, prepared, through the pg driver. */
async function runOwnDriver(url: string, options: Options): Promise<DatabaseLimit> {
  const pool = new Pool({ connectionString: url, max: options.connections });
  const first = WRITE_1.replace('<merchant>', '$1::int');
  const second = WRITE_2.replace('<merchant_id>', '$1').replace('<operation_id>', '$2');
  const endAt = performance.now() + options.seconds * 1000;
  let charges = 0;
  const run = async (_value: unknown, index: number): Promise<void> => {
    for (let turn = index; performance.now() < endAt; turn += options.connections) {
      const values = [1 + (turn % options.merchants)];
      const { rows } = await pool.query<{ merchant_id: string; id: string }>({
        name: 'write-1',
        text: first,
        values,
      });
      await pool.query({ name: 'write-2', text: second, values: [rows[0]?.merchant_id, rows[0]?.id] });
      charges += 1;
    }
  };
  await Promise.all(Array.from({ length: options.connections }, run));
  await pool.end();
  return { driver: 'the pg driver (pgbench is not installed)', chargesPerSecond: charges / options.seconds };
}
