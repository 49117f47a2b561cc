import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { ConfigError } from './env.ts';
import { createFailpoint } from './failpoint.ts';

test('a failpoint cannot be switched on in production', () => {
  assert.throws(() => createFailpoint({ FAILPOINT: 'after-provider', NODE_ENV: 'production' }), ConfigError);
});

test('without a name, and at any other step, nothing happens', () => {
  for (const env of [
    {},
    { FAILPOINT: '' },
    { NODE_ENV: 'production' },
    { FAILPOINT: '', NODE_ENV: 'production' },
  ])
    assert.doesNotThrow(() => createFailpoint(env)('after-provider'));
  assert.doesNotThrow(() => createFailpoint({ FAILPOINT: 'after-provider' })('before-provider'));
});

test('the armed step kills the process as a power cut would: no handler runs, nothing is flushed', () => {
  const program = `
    import { createFailpoint } from ${JSON.stringify(import.meta.resolve('./failpoint.ts'))};
    const failpoint = createFailpoint({ FAILPOINT: 'armed' });
    process.on('exit', () => console.log('exit handler'));
    failpoint('other');
    console.log('passed other');
    try { failpoint('armed'); } finally { setTimeout(() => console.log('survived'), 1_000); }
  `;
  const child = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(child.signal, 'SIGKILL', child.stderr);
  assert.equal(child.stdout, 'passed other\n');
});
