import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { ConfigError } from '@centra/service-kit/env.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { tlsVariables } from '@centra/testkit/certificates.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { envToConfig } from './config.ts';
import { chargeBody, newMerchant, startWithDoubles } from './testing/start-with-doubles.ts';
import type { Stand } from './testing/start-with-doubles.ts';
import { startPaymentApi } from './service.ts';

describe('the service as a process', () => {
  let stand: Stand;
  let env: Record<string, string>;
  const folder = temporaryFolder('payment-api');
  before(async () => {
    stand = await startWithDoubles();
    env = {
      DATABASE_URL: stand.config.databaseUrl,
      AUTH_GRPC_ADDRESS: stand.config.authGrpcAddress,
      TRANSACTION_GRPC_ADDRESS: stand.config.transactionGrpcAddress,
      SIGNING_KEY_FILE: join(folder, 'key.pem'),
      TRUSTED_KEYS_FILE: join(folder, 'trusted.json'),
      ...tlsVariables(stand.config.tls),
      HTTP_PORT: '0',
      GRPC_PORT: '0',
      OPS_PORT: '0',
    };
    writeFileSync(join(folder, 'key.pem'), stand.config.signingKeyPem);
    writeFileSync(join(folder, 'trusted.json'), stand.config.trustedKeys);
  });
  after(async () => {
    // Those of a test that failed half way.
    for (const child of children) child.kill('SIGKILL');
    await stand.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('it starts from its environment, says that it is ready, and drains on SIGTERM', async () => {
    const started = await boot(env);
    const ready = await fetch(`http://127.0.0.1:${started.ops}/ready`);
    assert.deepEqual(await ready.json(), { status: 'ready', checks: { database: 'ok', transaction: 'ok' } });
    assert.equal(ready.status, 200);
    const call = { port: started.http };
    assert.equal((await stand.charge('before', chargeBody(), call)).status, 201);
    const metrics = await (await fetch(`http://127.0.0.1:${started.ops}/metrics`)).text();
    assert.match(
      metrics,
      /centra_charges_total\{outcome="succeeded",replayed="false",service="payment-api"\} 1/,
    );

    const { promise, resolve: open } = Promise.withResolvers<void>();
    stand.transaction.gate = promise;
    const calls = stand.transaction.saleCalls.length;
    const underWay = stand.charge('under-way', chargeBody(), call);
    await waitFor('the charge to be under way', async () =>
      stand.transaction.saleCalls.length > calls ? true : undefined,
    );
    const exited = once(started.process, 'exit');
    started.process.kill('SIGTERM');
    await waitFor('the process to refuse new connections', async () => {
      const refused = await stand.call('/v1/charge', call).then(
        () => false,
        () => true,
      );
      return refused ? true : undefined;
    });
    open();
    stand.transaction.gate = undefined;
    assert.equal((await underWay).status, 201);
    assert.deepEqual(await exited, [0, null]);
  });

  for (const step of ['payment-api.after-operation', 'payment-api.after-store'])
    test(`killed at ${step}, the repeated request is answered from the record and charges nothing more`, async () => {
      const hotel = newMerchant();
      const started = await boot({ ...env, FAILPOINT: step });
      const exited = once(started.process, 'exit');
      await assert.rejects(stand.charge('killed', chargeBody(), { as: hotel, port: started.http }));
      assert.deepEqual(await exited, [null, 'SIGKILL']);

      const again = await stand.charge('killed', chargeBody(), { as: hotel });
      assert.equal(again.status, 201);
      assert.equal(again.headers['idempotent-replayed'], 'true');
      const more = await stand.charge('killed', chargeBody(), { as: hotel });
      assert.deepEqual(more.bytes, again.bytes);
      const operations = [...stand.transaction.operations.values()];
      assert.equal(operations.filter((each) => each.merchantId === hotel.merchantId).length, 1);
    });

  test('a missing or unsafe variable stops the start and is named', () => {
    assert.equal(envToConfig(env).saleDeadlineMs, 70_000);
    const bad: [Record<string, string>, RegExp][] = [
      [{ DATABASE_URL: '' }, /DATABASE_URL/],
      [{ SIGNING_KEY_FILE: join(folder, 'none') }, /SIGNING_KEY_FILE/],
      [{ TRUSTED_KEYS_FILE: '' }, /TRUSTED_KEYS_FILE/],
      [{ TLS_CERT_FILE: '' }, /TLS_CERT_FILE/],
      [{ TLS_KEY_FILE: '' }, /TLS_KEY_FILE/],
      [{ TLS_CA_FILE: '' }, /TLS_CA_FILE/],
      [{ HTTP_PORT: '65536' }, /HTTP_PORT/],
      [{ SALE_DEADLINE_MS: '70s' }, /SALE_DEADLINE_MS/],
      [{ TRANSACTION_GRPC_ADDRESS: 'http://transaction:50053' }, /TRANSACTION_GRPC_ADDRESS/],
      [{ AUTH_GRPC_ADDRESS: 'auth' }, /AUTH_GRPC_ADDRESS/],
      [{ NODE_ENV: 'production', FAILPOINT: 'payment-api.after-store' }, /FAILPOINT must not be set/],
      [{ FAILPOINT: 'payment-api.after-sale' }, /FAILPOINT must be one of/],
    ];
    for (const [change, message] of bad)
      assert.throws(
        () => envToConfig({ ...env, ...change }),
        (error) => error instanceof ConfigError && message.test(error.message),
      );
  });

  test('the example of the environment lists every variable that is read', () => {
    const source = readFileSync(join(import.meta.dirname, 'config.ts'), 'utf8');
    const read = [...source.matchAll(/\(env, '([A-Z_]+)'/g)].map(([, name]) => name);
    const example = readFileSync(join(import.meta.dirname, '..', '.env.example'), 'utf8');
    assert.ok(read.length >= 12);
    for (const name of read) assert.match(example, new RegExp(`^#? ?${name}=`, 'm'));
  });

  test('a database that forgets acknowledged commits is refused at the start', async () => {
    const name = new URL(stand.config.databaseUrl).pathname.slice(1);
    await stand.database.query(`alter database "${name}" set synchronous_commit = off`);
    try {
      await assert.rejects(startPaymentApi(stand.config), /synchronous_commit off/);
    } finally {
      await stand.database.query(`alter database "${name}" reset synchronous_commit`);
    }
  });

  test('without transaction it says that it is not ready', async () => {
    const alone = await stand.startAnother({ transactionGrpcAddress: `127.0.0.1:${await freePort()}` });
    try {
      const ready = await fetch(`http://127.0.0.1:${alone.opsPort}/ready`);
      assert.equal(ready.status, 503);
      assert.deepEqual(await ready.json(), {
        status: 'not ready',
        checks: { database: 'ok', transaction: 'transaction cannot be reached' },
      });
    } finally {
      await alone.close();
    }
  });
});

const children = new Set<ChildProcess>();

type Booted = { process: ChildProcess; http: number; ops: number };

/** Starts main.ts and reads its ports from its log. */
async function boot(env: Record<string, string>): Promise<Booted> {
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  if (child.stdout === null) throw new Error('the process has no output');
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const said: { message?: string; http?: number; ops?: number } = JSON.parse(line);
    if (said.http === undefined || said.ops === undefined) throw new Error(`did not start: ${line}`);
    return { process: child, http: said.http, ops: said.ops };
  }
  throw new Error('the process ended without a word');
}
