import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { repositoryRoot } from '@centra/dev/child.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { z } from 'zod';

const folder = temporaryFolder('start');
const dataDir = join(folder, 'data');
after(() => rmSync(folder, { recursive: true, force: true }));

const RECEIPT = /^RECEIPT pay_[0-9a-z]{26} 12550 EUR \(minor units\) succeeded stripe pi_\w+ \d+ ms$/m;

test('npm start -- --once takes one payment, prints the receipt and exits 0, with a documented port taken', async () => {
  const blocker = createServer().listen(8080, '127.0.0.1');
  await Promise.race([once(blocker, 'listening'), once(blocker, 'error')]);
  const { code, output } = await finish(start('--once'));
  blocker.close();
  assert.equal(code, 0, output);
  assert.match(output, RECEIPT);
});

test('a second start keeps the data, stays up, answers its own curl, and Ctrl-C stops everything', async () => {
  const hotelBefore = readFileSync(join(dataDir, 'demo-hotel.json'), 'utf8');
  const child = start();
  const output = await until(child, /Ctrl-C stops everything/);
  assert.match(output, RECEIPT);
  assert.equal(readFileSync(join(dataDir, 'demo-hotel.json'), 'utf8'), hotelBefore);
  const curl = /curl -sS (\S+) [\s\S]*?Bearer (\S+)'[\s\S]*?-d '(\{.*\})'/.exec(output);
  assert.ok(curl !== null, output);
  const answer = await fetch(curl[1] ?? '', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${curl[2]}`,
      'content-type': 'application/json',
      'idempotency-key': 'from-the-readme',
    },
    body: curl[3] ?? '',
  });
  assert.equal(answer.status, 201, await answer.text());
  const listUrl = (curl[1] ?? '').replace('/charge', '/payments');
  const list = await fetch(listUrl, { headers: { authorization: `Bearer ${curl[2]}` } });
  const { data } = z
    .object({ data: z.array(z.unknown()) })
    .loose()
    .parse(await list.json());
  assert.equal(data.length, 3, 'the payments of both starts and the one by curl');
  const note = z.object({ processes: z.array(z.int()) }).loose();
  const { processes: pids } = note.parse(JSON.parse(readFileSync(join(dataDir, 'processes.json'), 'utf8')));
  const second = await finish(start('--once'));
  assert.equal(second.code, 1);
  assert.match(second.output, /Another copy \(process \d+\) runs on/, 'a second copy leaves the first alone');
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  assert.deepEqual(
    pids.filter((pid) => existsSync(`/proc/${pid}`)),
    [],
    'no process is left',
  );
  assert.ok(!existsSync(join(dataDir, 'postgres', 'postmaster.pid')), 'the database was shut down cleanly');
});

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [join('dev', 'src', 'main.ts'), ...args], {
    cwd: repositoryRoot,
    env: { ...process.env, CENTRA_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function finish(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

async function until(child: ChildProcess, pattern: RegExp): Promise<string> {
  let output = '';
  return await new Promise((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      if (pattern.test(output)) resolve(output);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)));
  });
}
