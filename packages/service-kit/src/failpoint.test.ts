import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from './env.ts';
import { FAILPOINTS, createFailpoint } from './failpoint.ts';

const NAMES = Object.values(FAILPOINTS).flat();

test('a failpoint cannot be switched on in production', () => {
  assert.throws(
    () => createFailpoint({ FAILPOINT: 'sale.after-provider', NODE_ENV: 'production' }, 'transaction'),
    (error) => error instanceof ConfigError && error.message === 'FAILPOINT must not be set in production',
  );
});

test('there are at least twelve steps besides the kinds of operations, each with a name of its own', () => {
  assert.equal(new Set(NAMES).size, NAMES.length);
  const withoutKind = NAMES.map((name) => name.replace(/^(sale|authorize|capture|void|refund|adjust)\./, ''));
  assert.ok(new Set(withoutKind).size >= 12, String(new Set(withoutKind).size));
});

test('README.md names every step, by the service that passes it, and no other', () => {
  const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| `([a-z<>.0-9-]+)` \| (api-gateway|payment-api|transaction) \|/gm)];
  const named = Object.entries(FAILPOINTS).flatMap(([service, names]) =>
    names.map(
      (name) => `${service} ${name.replace(/^(sale|authorize|capture|void|refund|adjust)\./, '<kind>.')}`,
    ),
  );
  assert.deepEqual(
    rows.map(([, name, service]) => `${service} ${name}`).toSorted(),
    [...new Set(named)].toSorted(),
  );
});

test('a name that the service never passes is refused with those it does: the crash would never come', () => {
  const wrong = [
    ['transaction', 'sale.after-provder'],
    ['transaction', 'payment-api.after-store'],
    ['payment-api', 'sale.after-provider'],
    ['payment-api', 'payment-api.after-sale'],
    ['api-gateway', 'sweeper.after-claim'],
    ['api-gateway', 'GATEWAY.BEFORE-FORWARD'],
  ] as const;
  for (const [service, name] of wrong)
    assert.throws(
      () => createFailpoint({ FAILPOINT: name }, service),
      (error) =>
        error instanceof ConfigError &&
        error.message.includes(`"${name}"`) &&
        FAILPOINTS[service].every((known) => error.message.includes(known)),
      `${service} ${name}`,
    );
});

test('a process without FAILPOINT has the same empty function as every other: no name is ever looked up', () => {
  const functions = [{}, { FAILPOINT: '' }, { NODE_ENV: 'production' }].flatMap((env) => [
    createFailpoint(env, 'transaction'),
    createFailpoint(env, 'api-gateway'),
  ]);
  assert.equal(new Set(functions).size, 1);
  const [empty] = functions;
  assert.equal(empty?.length, 0, 'it does not even take the name');
  for (const name of NAMES) assert.doesNotThrow(() => empty?.(name));
  assert.notEqual(createFailpoint({ FAILPOINT: 'sale.after-provider' }, 'transaction'), empty);
});

test('at any other step than the armed one nothing happens', () => {
  const failpoint = createFailpoint({ FAILPOINT: 'sale.after-provider' }, 'transaction');
  for (const name of NAMES.filter((each) => each !== 'sale.after-provider'))
    assert.doesNotThrow(() => failpoint(name));
});

test('the armed step kills the process as a power cut would: no handler runs, nothing is flushed', () => {
  const program = `
    import { createFailpoint } from ${JSON.stringify(import.meta.resolve('./failpoint.ts'))};
    const failpoint = createFailpoint({ FAILPOINT: 'sale.after-provider' }, 'transaction');
    process.on('exit', () => console.log('exit handler'));
    failpoint('sale.before-write-1');
    console.log('passed other');
    try { failpoint('sale.after-provider'); } finally { setTimeout(() => console.log('survived'), 1_000); }
  `;
  const child = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(child.signal, 'SIGKILL', child.stderr);
  assert.equal(child.stdout, 'passed other\n');
  const { time, ...words }: Record<string, unknown> = JSON.parse(child.stderr);
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.deepEqual(words, {
    level: 'fatal',
    service: 'transaction',
    failpoint: 'sale.after-provider',
    message: 'killed at a failpoint',
  });
});
