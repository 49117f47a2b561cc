import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';

import { Stripe } from 'stripe';
import { request } from 'undici';

import { envToConfig } from './config.ts';

const KEY = 'sk_test_processkey1';
const params = {
  amount: 2_500,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  confirm: true,
};

async function start(t: TestContext, dataDir: string): Promise<{ child: ChildProcess; url: URL }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { ...process.env, DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, 'line');
  const match = /^listening (http:\/\/\S+)$/.exec(String(line));
  assert.ok(match?.[1], String(line));
  return { child, url: new URL(match[1]) };
}

const client = (url: URL) =>
  new Stripe(KEY, {
    host: url.hostname,
    port: url.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });

test('the process says where it listens, and every acknowledged charge survives kill -9 in the middle of load', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'stripe-main-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const { child, url } = await start(t, dataDir);
  await request(new URL('/_control/accounts', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret_key: KEY }),
  });
  const acknowledged = new Map<string, string>();
  const pay = async (idempotencyKey: string) => {
    const intent = await client(url).paymentIntents.create(params, { idempotencyKey });
    acknowledged.set(idempotencyKey, intent.id);
  };
  const load = Array.from({ length: 60 }, (_, at) => pay(`key-${at}`));
  await Promise.race(load);
  child.kill('SIGKILL');
  await Promise.allSettled(load);
  assert.ok(acknowledged.size > 0);
  const second = await start(t, dataDir);
  for (const [idempotencyKey, id] of acknowledged) {
    const replayed = await client(second.url).paymentIntents.create(params, { idempotencyKey });
    assert.deepEqual([replayed.id, replayed.status], [id, 'succeeded']);
  }
  for (let at = 0; at < 60; at += 1)
    await client(second.url).paymentIntents.create(params, { idempotencyKey: `key-${at}` });
  const answer = await request(new URL('/_control/journal?kind=effect', second.url));
  const { entries }: { entries: { effect: string; idempotency_key: string }[] } = JSON.parse(
    await answer.body.text(),
  );
  const charged = entries
    .filter(({ effect }) => effect === 'charge.succeeded')
    .map(({ idempotency_key }) => idempotency_key);
  assert.deepEqual(charged.toSorted(), Array.from({ length: 60 }, (_, at) => `key-${at}`).toSorted());
  second.child.kill('SIGTERM');
  const [code] = await once(second.child, 'exit');
  assert.equal(code, 0);
});

test('a missing or senseless setting is named', () => {
  assert.throws(() => envToConfig({}), /DATA_DIR/);
  assert.throws(() => envToConfig({ DATA_DIR: 'x', PORT: '70000' }), /PORT/);
  assert.throws(() => envToConfig({ DATA_DIR: 'x', LATENCY_MS: '1.5' }), /LATENCY_MS/);
  assert.throws(() => envToConfig({ DATA_DIR: 'x', RATE_LIMIT_PER_SECOND: '-1' }), /RATE_LIMIT_PER_SECOND/);
  assert.equal(envToConfig({ DATA_DIR: 'x', REFUND_SETTLE_MS: '0' }).refundSettleMs, 0);
  assert.deepEqual(envToConfig({ DATA_DIR: 'x' }).host, '127.0.0.1');
});
