import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withDatabase } from '@centra/testkit/test-database.ts';
import { migrate } from '@centra/transaction/migrate.ts';
import { Client, Pool } from 'pg';

export type Kind = 'charge' | 'authorize' | 'capture' | 'refund';
export type DatabaseLimits = { driver: string; perSecond: Readonly<Record<Kind, number>> };

type Options = { connections: number; merchants: number; seconds: number };

// The rows of one charge, as sale and transition store them, in the leanest form a client could send: one charge per
// statement, ids made by the server, nothing to parse (a space behind each JSON colon: pgbench reads `:12550`, also inside a text, as a variable). The same tables, indexes, constraints and triggers.
function write1(kind: 'sale' | 'authorize'): string {
  return `
with operation as (
  insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor, currency, provider,
    provider_account_id, provider_account_version, card_token, actor, request_id)
  values (md5((<merchant>)::text)::uuid, gen_random_uuid(), uuidv7(), '${kind}', 'sent', 1, now() + interval '90 s',
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
}

const SUMS = `amount_minor, authorized_minor, captured_minor, refunded_minor, authorize_pending_minor, capture_pending_minor,
  refund_pending_minor, hold_open, hold_expires_at, disputed`;

/** The second statement of a sale or authorisation. */
function write2(status: string, type: string, set: string): string {
  return `
with operation as (
  update operations set state = 'succeeded', finished_at = now(), due_at = now(), settled_minor = 12550,
    provider_reference = 'sim_0123456789abcdef01234567'
   where merchant_id = (<merchant_id>)::uuid and id = (<operation_id>)::uuid and attempt = 1 and state in ('sent', 'unknown')
  returning merchant_id, id, payment_id
), payment as (
  update payments p set status = '${status}', version = version + 1, authorized_minor = 12550, ${set},
    provider_reference = 'sim_0123456789abcdef01234567', card = '{"brand": "visa","last4": "4242"}', updated_at = now()
    from operation o where p.merchant_id = o.merchant_id and p.id = o.payment_id and p.status = 'processing'
  returning p.*, o.id as operation_id
), event as (
  insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor, request_id,
    address, details, ${SUMS})
  select merchant_id, id, 2, '${type}', 'processing', '${status}', operation_id, 1, 'bench', 'req_bench', '', '{}', ${SUMS} from payment
), outbox as (
  insert into outbox (merchant_id, payment_id, version, type, data)
  select merchant_id, id, 2, '${type}',
    '{"status": "${status}","amount": 12550,"currency": "EUR","booking_reference": "BENCH-1"}' from payment
)
select id from payment`;
}

// Captures and refunds of one minor unit on the same 2,000 payments again and again: 16 clients rarely meet on one, and
// there is always something left.
const TARGETS = 2_000;
const TARGET = `(select id from bench_targets where n = <target>)`;

/** The two statements of what follows a payment: reserve, then settle. */
function followUp(kind: 'capture' | 'refund'): [first: string, second: string] {
  const left =
    kind === 'capture'
      ? `p.authorized_minor - p.captured_minor - p.capture_pending_minor`
      : `p.captured_minor - p.refunded_minor - p.refund_pending_minor`;
  const status = kind === 'capture' ? 'partially_captured' : 'partially_refunded';
  return [
    `
with payment as (
  update payments p set version = version + 1, updated_at = now(), ${kind}_pending_minor = p.${kind}_pending_minor + 1
   where p.merchant_id = md5('${kind}')::uuid and p.id = ${TARGET} and p.busy_operation_id is null and ${left} >= 1
  returning p.*
), operation as (
  insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor, currency, provider,
    provider_account_id, provider_account_version, actor, request_id)
  select merchant_id, gen_random_uuid(), id, '${kind}', 'sent', 1, now() + interval '90 s',
    decode('abababababababababababababababababababababababababababababababab', 'hex'), 1, currency, provider,
    provider_account_id, 1, 'bench', 'req_bench' from payment
  returning merchant_id, id
), event as (
  insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor, request_id,
    address, details, ${SUMS})
  select p.merchant_id, p.id, p.version, 'payment.${kind}_requested', p.status, p.status, o.id, 1, 'bench', 'req_bench', '',
    '{"amount": "1"}', ${SUMS} from payment p, operation o
), outbox as (
  insert into outbox (merchant_id, payment_id, version, type, data)
  select merchant_id, id, version, 'payment.${kind}_requested', '{"amount": 12550,"currency": "EUR"}' from payment
)
select merchant_id, id from operation`,
    `
with operation as (
  update operations set state = 'succeeded', finished_at = now(), due_at = now(), settled_minor = 1,
    provider_reference = 'simr_0123456789abcdef01234567'
   where merchant_id = (<merchant_id>)::uuid and id = (<operation_id>)::uuid and attempt = 1 and state in ('sent', 'unknown')
  returning merchant_id, id, payment_id
), payment as (
  update payments p set version = version + 1, updated_at = now(), ${kind}_pending_minor = p.${kind}_pending_minor - 1,
    ${kind}${kind === 'capture' ? 'd' : 'ed'}_minor = p.${kind}${kind === 'capture' ? 'd' : 'ed'}_minor + 1, status = '${status}'
    from operation o where p.merchant_id = o.merchant_id and p.id = o.payment_id
  returning p.*, o.id as operation_id
), event as (
  insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor, request_id,
    address, details, ${SUMS})
  select merchant_id, id, version, 'payment.${kind}', status, status, operation_id, 1, 'bench', 'req_bench', '', '{}', ${SUMS}
    from payment
), outbox as (
  insert into outbox (merchant_id, payment_id, version, type, data)
  select merchant_id, id, version, 'payment.${kind}', '{"amount": 12550,"currency": "EUR"}' from payment
)
select id from payment`,
  ];
}

const WRITES: Readonly<Record<Kind, [first: string, second: string]>> = {
  charge: [write1('sale'), write2('succeeded', 'payment.successful', 'captured_minor = 12550')],
  authorize: [
    write1('authorize'),
    write2(
      'authorized',
      'payment.authorized',
      `hold_open = true, hold_expires_at = now() + interval '7 days'`,
    ),
  ],
  capture: followUp('capture'),
  refund: followUp('refund'),
};

/** How many of each the database alone takes a second: the same durable rows with nothing in front of it. */
export async function measureDatabaseLimits(
  serverUrl: string,
  folder: string,
  options: Options,
): Promise<DatabaseLimits> {
  const url = await createBenchDatabase(serverUrl);
  await createTargets(url);
  const hasPgbench = spawnSync('pgbench', ['--version'], { stdio: 'ignore' }).status === 0;
  const measure = async (kind: Kind): Promise<number> =>
    hasPgbench ? await runPgbench(url, folder, kind, options) : await runOwnDriver(url, kind, options);
  return {
    driver: hasPgbench ? 'pgbench' : 'the pg driver (pgbench is not installed)',
    perSecond: {
      charge: await measure('charge'),
      authorize: await measure('authorize'),
      capture: await measure('capture'),
      refund: await measure('refund'),
    },
  };
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

async function createTargets(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`create table bench_targets (n int primary key, id uuid not null default uuidv7())`);
  await client.query(`insert into bench_targets (n) select generate_series(1, ${TARGETS})`);
  const columns = `merchant_id, id, mode, status, version, amount_minor, currency, provider, provider_account_id, booking_reference,
    guest, description, metadata, authorized_minor, captured_minor, hold_open, hold_multiple_capture`;
  const rest = `'test', STATUS, 2, 1000000000, 'EUR', 'simulator', '00000000-0000-7000-8000-000000000001', 'BENCH-1', '{}', '', '{}',
    1000000000`;
  await client.query(`insert into payments (${columns}) select md5('capture')::uuid, id, ${rest.replace('STATUS', `'authorized'`)},
    0, true, true from bench_targets`);
  await client.query(`insert into payments (${columns}) select md5('refund')::uuid, id, ${rest.replace('STATUS', `'succeeded'`)},
    1000000000, false, false from bench_targets`);
  await client.end();
}

async function runPgbench(url: string, folder: string, kind: Kind, options: Options): Promise<number> {
  const [first, second] = WRITES[kind];
  const script = join(folder, `${kind}.pgbench`);
  writeFileSync(
    script,
    `\\set merchant random(1, ${options.merchants})
\\set target random(1, ${TARGETS})
${oneLine(first.replace('<merchant>', ':merchant').replace('<target>', ':target'))} \\gset w_
${oneLine(second.replace('<merchant_id>', ':w_merchant_id').replace('<operation_id>', ':w_id'))};
`,
  );
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
  ];
  const child = spawn('pgbench', [...args, '-f', script, url], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  await new Promise<void>((done) => child.once('close', () => done()));
  const tps = /tps = ([\d.]+)/.exec(output)?.[1];
  if (tps === undefined) throw new Error(`pgbench failed: ${output.slice(0, 2_000)}`);
  return Number(tps);
}

/** pgbench ends a statement at its semicolon or meta-command; line breaks inside would be fine, long lines are too. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

/** For machines without pgbench: the same statements, prepared, through the pg driver. */
async function runOwnDriver(url: string, kind: Kind, options: Options): Promise<number> {
  const pool = new Pool({ connectionString: url, max: options.connections });
  const [first, second] = WRITES[kind];
  const isFollowUp = first.includes('<target>');
  const texts = [
    first.replace('<merchant>', '$1::int').replace('<target>', '$1::int'),
    second.replace('<merchant_id>', '$1').replace('<operation_id>', '$2'),
  ] as const;
  const endAt = performance.now() + options.seconds * 1000;
  let done = 0;
  const run = async (_value: unknown, index: number): Promise<void> => {
    for (let turn = index; performance.now() < endAt; turn += options.connections) {
      const values = [1 + (turn % (isFollowUp ? TARGETS : options.merchants))];
      const { rows } = await pool.query<{ merchant_id: string; id: string }>({
        name: `${kind}-1`,
        text: texts[0],
        values,
      });
      await pool.query({ name: `${kind}-2`, text: texts[1], values: [rows[0]?.merchant_id, rows[0]?.id] });
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: options.connections }, run));
  await pool.end();
  return done / options.seconds;
}
