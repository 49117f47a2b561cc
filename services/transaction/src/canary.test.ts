import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { TransactionServiceClient } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import { tlsVariables } from '@centra/testkit/certificates.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { clientAs, testTlsFiles } from '@centra/testkit/test-tls.ts';
import { makeDue } from './testing/rows.ts';
import { callOptions, saleRequest } from './testing/test-service.ts';
import { startWorld } from './testing/world.ts';
import type { Hotel, World } from './testing/world.ts';

// A published test number, and a security code that stands in no timestamp or id by chance.
const CARD_NUMBER = '378282246310005';
const SERVICE_CODE = '9173';

let world: World;
let child: ChildProcess;
let client: TransactionServiceClient;
let merchant: TransactionServiceClient;
const output: string[] = [];
const replies: string[] = [];

before(async () => {
  world = await startWorld();
  // The real program, so that its own log is what is read.
  child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_ENV: 'test',
      LOG_LEVEL: 'trace',
      GRPC_PORT: '0',
      OPS_PORT: '0',
      DATABASE_URL: world.database.url,
      MERCHANT_GRPC_ADDRESS: `localhost:${world.merchant.port}`,
      ...tlsVariables(testTlsFiles('transaction')),
      STRIPE_API_URL: world.stripe.url,
      VAULTERA_BASE_URL: `${world.vaultera.url}/api/v1`,
      PROVIDER_TIMEOUT_MS: '10000',
      OPERATION_LEASE_MS: '30000',
      SWEEP_INTERVAL_MS: '50',
      CREDENTIAL_TTL_MS: '0',
    },
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const port = await waitFor(
    'the service to be up',
    async () => /"grpcPort":(\d+)/.exec(output.join(''))?.[1],
  );
  const address = `localhost:${port}`;
  client = clientAs('payment-api', TransactionServiceClient, address, 'transaction');
  merchant = clientAs('merchant', TransactionServiceClient, address, 'transaction');
});
after(async () => {
  client?.close();
  merchant?.close();
  child?.kill('SIGKILL');
  await world?.close();
});

/** Every way the value might be written down. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // Base64 of a part of a longer text depends on where the part begins; the first and last letters also on its neighbours.
  const inside = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .slice(offset === 0 ? 0 : 4, -4),
  );
  return [
    secret,
    secret.replaceAll(/(.{4})(?=.)/g, '$1 '),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    Buffer.from(secret, 'utf16le').toString('hex'),
    ...inside.filter((form) => form.length >= 6),
  ];
}

function leaksOf(secret: string, text: string): string[] {
  return [...new Set(formsOf(secret))].filter((form) => text.includes(form));
}

/** The service code is short: only where it stands alone is it the code, elsewhere it is part of an id or a time. */
function holdsServiceCode(text: string): boolean {
  const alone = new RegExp(`(?<![0-9A-Za-z.\\-])${SERVICE_CODE}(?![0-9A-Za-z.\\-])`);
  return alone.test(text) || text.includes(Buffer.from(SERVICE_CODE).toString('base64').slice(0, 5));
}

/** Calls the service and keeps whatever it says, answers and refusals alike. */
async function say<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    const answer = await call;
    replies.push(
      JSON.stringify(answer, (_key, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      ),
    );
    return answer;
  } catch (error) {
    if (!isServiceError(error)) throw error;
    replies.push(`${error.message} ${JSON.stringify(error.metadata.toJSON())}`);
    for (const bytes of error.metadata.get('centra-error-bin')) replies.push(bytes.toString());
    return undefined;
  }
}

async function sell(hotel: Hotel, token: string, returnUrl = ''): Promise<string> {
  const request = saleRequest(hotel, token, { returnUrl });
  await say(callUnary(client.sale.bind(client), request, callOptions()));
  return request.operationId;
}

/** Every outcome the service knows how to write about. */
async function runEverything(hotel: Hotel): Promise<void> {
  const card = async (number = CARD_NUMBER): Promise<string> =>
    await world.vaultera.card(hotel.vaultKey, number, number === CARD_NUMBER ? SERVICE_CODE : undefined);
  await sell(hotel, await card());
  await sell(hotel, await card('4000000000000002'));
  await sell(hotel, await card('4000002760003184'), 'https://hotel.example.com/back');
  await sell(hotel, 'no-such-token');
  const faults: [at: 'stripe' | 'vaultera', fault: { fault: string; path: string }][] = [
    ['stripe', { fault: 'act_then_drop', path: '/v1/payment_intents' }],
    ['stripe', { fault: 'error_after', path: '/v1/payment_intents' }],
    ['stripe', { fault: 'revoked_credential', path: '/v1/payment_intents' }],
    ['stripe', { fault: 'truncated_body', path: '/v1/payment_intents' }],
    ['vaultera', { fault: 'drop_before_act', path: '/api/v1/cards/' }],
    ['vaultera', { fault: 'revoked_credential', path: '/api/v1/cards/' }],
    ['vaultera', { fault: 'html_error', path: '/api/v1/cards/' }],
  ];
  for (const [at, fault] of faults) {
    const token = await card();
    await world[at].arm(fault);
    const operationId = await sell(hotel, token);
    await makeDue(world, operationId).catch(() => {});
  }
  const check = merchant.checkProviderCredentials.bind(merchant);
  for (const [provider, given] of [
    ['stripe', { secret_key: hotel.secretKey }],
    ['stripe', { secret_key: `${hotel.secretKey}x` }],
    ['stripe', { secret_key: hotel.secretKey.replace('_test_', '_live_') }],
    ['vaultera', { api_key: hotel.vaultKey }],
    ['nobody', { api_key: hotel.vaultKey }],
  ] as const)
    await say(callUnary(check, { provider, mode: Mode.MODE_TEST, credentials: given }, callOptions()));
  await say(
    callUnary(
      client.createCaptureSession.bind(client),
      { merchantId: hotel.merchantId, mode: Mode.MODE_TEST },
      callOptions(),
    ),
  );
  await waitFor('the sweeper to leave nothing but the challenge open', async () => {
    const { rows } = await world.admin.query(
      `select 1 from operations where state in ('sent', 'unknown') and provider_reference is null`,
    );
    return rows.length === 0 ? true : undefined;
  });
}

/** Every table of the database as text. */
async function dump(): Promise<string> {
  const tables = await world.admin.query<{ name: string }>(
    `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  );
  const texts = await Promise.all(
    tables.rows.map(async ({ name }) => {
      const { rows } = await world.admin.query<{ row: string }>(
        `select to_jsonb(t)::text as row from ${name} t`,
      );
      return `${name}\n${rows.map(({ row }) => row).join('\n')}`;
    }),
  );
  return texts.join('\n');
}

test('the scan finds a planted value in each of its forms', () => {
  for (const secret of [CARD_NUMBER, 'sk_test_0123456789abcdef01234567'])
    for (const form of formsOf(secret)) assert.ok(leaksOf(secret, `before ${form} after`).length > 0, form);
  const wrapped = [0, 1, 2].map((pad) =>
    Buffer.from(`${'x'.repeat(pad)}"${CARD_NUMBER}" and more`).toString('base64'),
  );
  for (const text of wrapped) assert.ok(leaksOf(CARD_NUMBER, text).length > 0, text);
  assert.ok(holdsServiceCode(`{"cvc":"${SERVICE_CODE}"}`) && holdsServiceCode(`cvc=${SERVICE_CODE}&`));
  assert.ok(!holdsServiceCode('2026-01-01 00:00:00.9173+00') && !holdsServiceCode('8b1f-9173-11'));
});

test('I24: no card number, security code or key of a hotel is in any table, log line or reply', async () => {
  const hotel = await world.stripeHotel();
  await runEverything(hotel);
  child.kill('SIGTERM');
  await once(child, 'exit');
  assert.equal(child.exitCode, 0, 'it stops cleanly');
  const places = { database: await dump(), log: output.join(''), replies: replies.join('\n') };
  assert.ok(
    places.database.includes(hotel.merchantId) && places.database.includes('"last4": "0005"'),
    'the run is in the dump',
  );
  for (const line of ['provider outcome not known', 'sale declined', hotel.merchantId])
    assert.ok(places.log.includes(line), `the log tells of ${line}`);
  assert.ok(places.replies.includes('"last4":"0005"') && places.replies.includes('card_token_invalid'));
  for (const [place, text] of Object.entries(places)) {
    for (const secret of [CARD_NUMBER, hotel.secretKey, hotel.vaultKey])
      assert.deepEqual(leaksOf(secret, text), [], place);
    assert.equal(holdsServiceCode(text), false, `${place} holds the security code`);
  }
});
