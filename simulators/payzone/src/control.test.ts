import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { envToConfig } from './config.ts';
import { startSimulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';

const CALL = '/cmi-test/fim/api';
const ACCOUNT = { provider: 'cmi', client_id: '600000077', api_user: 'riad', api_password: 'cmi-secret-77' };
const REVOKED = { client_id: '600000077', state: 'revoked' };
const SECRET: string | undefined = 'cmi-secret-77';

async function start(t: TestContext): Promise<{ simulator: Simulator; dataDir: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'payzone-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const simulator = await startSimulator({ dataDir });
  t.after(async () => await simulator.close().catch(() => {}));
  return { simulator, dataDir };
}

async function ask(
  { url }: Simulator,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string; headers: Headers }> {
  const reply = await fetch(`${url}${path}`, {
    method,
    redirect: 'manual',
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: reply.status, text: await reply.text(), headers: reply.headers };
}

const arm = async (simulator: Simulator, fault: object): Promise<void> =>
  assert.equal((await ask(simulator, 'POST', '/_control/faults', fault)).status, 201);

test('each fault is met as often as it was armed for, and the journal says which', async (t) => {
  const { simulator } = await start(t);
  const usual = (await ask(simulator, 'POST', CALL, {})).status;
  await arm(simulator, { fault: 'error', status: 503 });
  assert.equal((await ask(simulator, 'POST', CALL, {})).status, 503);
  await arm(simulator, { fault: 'rate_limit', retry_after_seconds: 7 });
  const limited = await ask(simulator, 'POST', CALL, {});
  assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '7']);
  await arm(simulator, { fault: 'html' });
  assert.match((await ask(simulator, 'POST', CALL, {})).text, /<title>/);
  await arm(simulator, { fault: 'redirect', location: 'http://127.0.0.1:1/elsewhere' });
  assert.equal((await ask(simulator, 'POST', CALL, {})).status, 307);
  await arm(simulator, { fault: 'drop' });
  await assert.rejects(ask(simulator, 'POST', CALL, {}));
  await arm(simulator, { fault: 'slow', delay_ms: 300 });
  const startedAt = performance.now();
  assert.equal((await ask(simulator, 'POST', CALL, {})).status, usual);
  assert.ok(performance.now() - startedAt >= 290);
  await arm(simulator, { fault: 'error', path: '/nowhere', times: 0 });
  assert.equal((await ask(simulator, 'POST', CALL, {})).status, usual);
  const { text } = await ask(simulator, 'GET', '/_control/journal?kind=request');
  for (const fault of ['error', 'rate_limit', 'html', 'redirect', 'drop', 'slow'])
    assert.ok(text.includes(`"fault":"${fault}"`), fault);
});

test('accounts and the journal outlive a restart; faults do not; no secret is told or journalled', async (t) => {
  const { simulator, dataDir } = await start(t);
  assert.equal((await ask(simulator, 'POST', '/_control/accounts', ACCOUNT)).status, 201);
  assert.equal((await ask(simulator, 'POST', '/_control/accounts/state', REVOKED)).status, 200);
  await arm(simulator, { fault: 'error', times: 0 });
  assert.equal((await ask(simulator, 'POST', CALL, {})).status, 500);
  const before = (await ask(simulator, 'GET', '/_control/accounts')).text;
  await simulator.close();
  const again = await startSimulator({ dataDir });
  t.after(async () => await again.close());
  assert.equal((await ask(again, 'GET', '/_control/accounts')).text, before);
  assert.match(before, /"state":"revoked"/);
  assert.notEqual((await ask(again, 'POST', CALL, {})).status, 500);
  const page: unknown = JSON.parse((await ask(again, 'GET', '/_control/journal?limit=1')).text);
  assert.deepEqual(Object.keys(page ?? {}), ['entries', 'last_seq', 'has_more']);
  const journal = await readFile(join(dataDir, 'journal.jsonl'), 'utf8');
  assert.ok(journal.includes('"fault":"error"'));
  if (SECRET !== undefined) assert.ok(!before.includes(SECRET) && !journal.includes(SECRET));
});

test('what the control cannot read is refused in words, and an unknown account is 404', async (t) => {
  const { simulator } = await start(t);
  for (const [path, body] of [
    ['/_control/accounts', {}],
    ['/_control/faults', { fault: 'earthquake' }],
    ['/_control/faults', { fault: 'slow', delay_ms: 0 }],
  ] as const)
    assert.equal((await ask(simulator, 'POST', path, body)).status, 400, path);
  assert.equal((await ask(simulator, 'GET', '/_control/journal?limit=0')).status, 400);
  assert.equal((await ask(simulator, 'POST', '/_control/accounts/state', REVOKED)).status, 404);
  assert.equal((await ask(simulator, 'GET', '/_control/nothing')).status, 404);
  assert.equal((await ask(simulator, 'GET', '/_control/health')).status, 200);
});

test('it does not start without a folder or with a port that is none', () => {
  assert.throws(() => envToConfig({}), /DATA_DIR/);
  assert.throws(() => envToConfig({ DATA_DIR: '/tmp/x', PORT: 'seven' }), /PORT/);
  assert.equal(envToConfig({ DATA_DIR: '/tmp/x' }).host, '127.0.0.1');
});
