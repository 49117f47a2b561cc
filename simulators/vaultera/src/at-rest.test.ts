import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { z } from 'zod';
import { startSimulator } from './simulator.ts';
import type { Answer, Bench } from './test-bench.ts';
import { benchAt, startBench, startTarget, temporaryFolder, VISA } from './test-bench.ts';

async function spawnSimulator(
  t: TestContext,
  dataDir: string,
): Promise<{ url: string; child: ChildProcess; output: string[] }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const output: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => output.push(line));
  const [first] = await once(lines, 'line');
  const line = String(first);
  return { url: line.replace('listening ', ''), child, output };
}

async function everyFile(folder: string): Promise<{ path: string; bytes: Buffer }[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    found
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return { path, bytes: await readFile(path) };
      }),
  );
}

/** The three forms a secret could leak in; base64 in its three alignments, without the characters a neighbour decides. */
function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.from('\0'.repeat(shift) + secret)
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice([0, 2, 3][shift], -2);
  });
  return [secret, Buffer.from(secret).toString('hex'), ...base64];
}

const leaks = (bytes: Buffer, secret: string): boolean =>
  formsOf(secret).some((form) => bytes.includes(form));

/** Every string and number in the journal, to find a short CVV standing alone. */
function leaves(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(leaves);
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(leaves);
  return [String(value)];
}

test('a process killed with -9 comes back with its cards, keys, sessions and clock, torn last line or not', async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = await spawnSimulator(t, dataDir);
  const bench = await benchAt(t, first.url, dataDir);
  const kept = await bench.card();
  const wiped = await bench.card();
  const deleted = await bench.card();
  await bench.api('POST', `/cards/${wiped}/authorize`);
  await bench.api('DELETE', `/cards/${deleted}`);
  const session = await bench.session();
  const spent = await bench.session();
  const submitPath = '/api/v1/capture_form/submit';
  await bench.http('POST', first.url + submitPath, JSON.stringify({ session_token: spent, card: VISA }));
  const gone = once(first.child, 'exit');
  first.child.kill('SIGKILL');
  await gone;
  await appendFile(join(dataDir, 'journal.jsonl'), '{"seq":999,"at":"2030-01-01T00:0');
  await writeFile(
    join(dataDir, 'sealed', `${'0'.repeat(32)}.card`),
    'left by a crash before its journal line',
  );

  const target = await startTarget(t);
  const second = await spawnSimulator(t, dataDir);
  const call = (method: 'GET' | 'POST', path: string, body?: string) =>
    bench.http(
      method,
      `${second.url}/api/v1${path}${path.includes('?') ? '&' : '?'}api_key=${bench.apiKey}`,
      body,
    );
  assert.equal((await call('GET', `/cards/${kept}`)).status, 200);
  assert.match((await call('GET', `/cards/${kept}`)).text, /"service_code":"\*\*\*"/);
  assert.equal((await call('GET', `/cards/${wiped}`)).text.includes('service_code'), false);
  assert.equal((await call('GET', `/cards/${deleted}`)).status, 404);
  const send = await call(
    'POST',
    `/cards/${kept}/send?method=post&url=${encodeURIComponent(target.url)}`,
    '%CARD_NUMBER% %SERVICE_CODE%',
  );
  assert.equal(send.status, 200);
  assert.equal(target.received[0]?.body.toString(), '4111111111111111 123');
  const submit = (token: string) =>
    bench.http('POST', second.url + submitPath, JSON.stringify({ session_token: token, card: VISA }));
  assert.equal((await submit(spent)).status, 401);
  assert.equal((await submit(session)).status, 200);
  assert.equal(
    (await readdir(join(dataDir, 'sealed'))).some((name) => name.startsWith('0'.repeat(32))),
    false,
  );

  const exited = once(second.child, 'exit');
  second.child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null], 'SIGTERM stops it cleanly');
  assert.deepEqual(second.output, [`listening ${second.url}`]);
});

function advance(bench: Bench, ms: number): Promise<Answer> {
  const body = JSON.stringify({ advance_ms: ms });
  return bench.http('POST', `${bench.url}/_control/clock`, body, ['content-type', 'application/json']);
}

test('an advanced clock is still advanced after a restart', async (t) => {
  const dataDir = await temporaryFolder(t);
  const day = 86_400_000;
  const first = await startSimulator({ dataDir });
  await advance(await benchAt(t, first.url, dataDir), 3 * day);
  await first.close();
  const again = await startBench(t, { dataDir });
  const { now } = z.object({ now: z.string() }).parse((await advance(again, 0)).json());
  assert.ok(Date.parse(now) - Date.now() > 2 * day);
});

test('no card number, CVV or API key is readable in the data folder or the output after a run', async (t) => {
  const dataDir = await temporaryFolder(t);
  const run = await spawnSimulator(t, dataDir);
  const bench = await benchAt(t, run.url, dataDir);
  const target = await startTarget(t, (req, res) => void res.end(JSON.stringify(req.headers)));
  const amex = {
    ...VISA,
    card_number: '378282246310005',
    service_code: '9407',
    cardholder_name: 'Zebulon Quark',
  };
  const token = await bench.card(amex);
  const session = await bench.session();
  await bench.http(
    'POST',
    `${run.url}/api/v1/capture_form/submit`,
    JSON.stringify({ session_token: session, card: amex }),
  );
  await bench.http(
    'POST',
    `${run.url}/api/v1/capture_form/submit?only=visa`,
    JSON.stringify({ session_token: await bench.session(), card: amex }),
  );
  await bench.api('POST', '/cards', { card: { ...amex, expiration_month: '99' } });
  const query = new URLSearchParams({
    api_key: bench.apiKey,
    method: 'post',
    url: `${target.url}/pan/378282246310005`,
  });
  const headers = ['idempotency-key', '378282246310005', 'content-type', 'text/plain'];
  const send = await bench.http(
    'POST',
    `${run.url}/api/v1/cards/${token}/send?${query.toString()}`,
    '%CARD_NUMBER%/%SERVICE_CODE%',
    headers,
  );
  assert.equal(send.status, 200);
  assert.equal(target.received[0]?.body.toString(), '378282246310005/9407', 'the run did use the secrets');
  const show = new URLSearchParams({
    card_token: token,
    session_token: await bench.session(),
    service_code_token: await bench.session('service_code'),
  });
  assert.match(
    (await bench.http('GET', `${run.url}/api/v1/show_card?${show.toString()}`)).text,
    /3782 8224 6310 005/,
  );
  const exited = once(run.child, 'exit');
  run.child.kill('SIGTERM');
  await exited;

  const files = await everyFile(dataDir);
  const sealed = files.filter(({ path }) => path.includes('sealed'));
  assert.equal(sealed.length, 4, 'two cards and two CVVs are stored');
  const secrets = [amex.card_number, amex.cardholder_name, bench.apiKey, session];
  for (const { path, bytes } of files) {
    for (const secret of secrets) assert.equal(leaks(bytes, secret), false, `${secret} in ${path}`);
    if (path.includes('sealed')) assert.equal(bytes.includes('9407'), false);
  }
  const journal = files.find(({ path }) => path.endsWith('journal.jsonl'))?.bytes.toString('utf8') ?? '';
  const values = journal
    .trimEnd()
    .split('\n')
    .flatMap((line) => leaves(JSON.parse(line)));
  assert.ok(values.includes('378282*****0005'), 'the masked number is there');
  for (const form of formsOf('9407').slice(0, 2)) assert.equal(values.includes(form), false);
  assert.equal(run.output.join('\n'), `listening ${run.url}`);

  for (const form of [
    amex.card_number,
    Buffer.from(`ab${amex.card_number}cd`).toString('base64'),
    Buffer.from(amex.card_number).toString('hex'),
  ]) {
    assert.equal(
      leaks(Buffer.from(`{"x":"${form}"}`), amex.card_number),
      true,
      'the scan finds a planted secret',
    );
  }
});

test('the vault key is made once, readable by its owner only, and a wipe takes the CVV off the disk', async (t) => {
  const bench = await startBench(t);
  const keyPath = join(bench.dataDir, 'vault.key');
  assert.equal((await stat(keyPath)).mode & 0o777, 0o600);
  assert.equal((await stat(keyPath)).size, 32);
  const token = await bench.card();
  const files = async (): Promise<string[]> => (await readdir(join(bench.dataDir, 'sealed'))).toSorted();
  assert.deepEqual(await files(), [`${token}.card`, `${token}.service-code`]);
  await bench.api('POST', `/cards/${token}/authorize`);
  assert.deepEqual(await files(), [`${token}.card`]);
  await bench.api('DELETE', `/cards/${token}`);
  assert.deepEqual(await files(), []);
});

test('a sealed card that was altered, or swapped with another, is not given out', async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = await startSimulator({ dataDir });
  const bench = await benchAt(t, first.url, dataDir);
  const [a, b, c] = [
    await bench.card(),
    await bench.card(),
    await bench.card({ card_number: '5555555555554444' }),
  ];
  await first.close();
  const path = (token: string): string => join(dataDir, 'sealed', `${token}.card`);
  const altered = Buffer.from(await readFile(path(a)));
  altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
  await writeFile(path(a), altered);
  await writeFile(path(b), await readFile(path(c)));
  const second = await startSimulator({ dataDir });
  t.after(() => second.close());
  for (const token of [a, b]) {
    const answer = await bench.http('GET', `${second.url}/api/v1/cards/${token}?api_key=${bench.apiKey}`);
    assert.equal(answer.status, 500);
    assert.match(answer.text, /internal_server_error/);
  }
  const untouched = await bench.http('GET', `${second.url}/api/v1/cards/${c}?api_key=${bench.apiKey}`);
  assert.equal(untouched.status, 200);
});
