import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FAILPOINTS } from '@centra/service-kit/failpoint.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const folder = temporaryFolder('failpoints');
const keyFile = join(folder, 'key');
writeFileSync(keyFile, 'read, and not looked at before the failpoint is');
after(() => rmSync(folder, { recursive: true, force: true }));

for (const [service, names] of Object.entries(FAILPOINTS)) {
  test(`${service} does not start in production with any failpoint armed`, () => {
    const { status, stdout } = start(service, { NODE_ENV: 'production', FAILPOINT: names[0] });
    assert.equal(status, 1, stdout);
    assert.match(stdout, /"cannot start: FAILPOINT must not be set in production"/);
  });

  test(`${service} does not start with a failpoint that it never passes, and names those it does`, () => {
    const { status, stdout } = start(service, { NODE_ENV: 'development', FAILPOINT: `${names[0]}-typo` });
    assert.equal(status, 1, stdout);
    assert.match(stdout, /cannot start: FAILPOINT must be one of /);
    for (const name of names) assert.ok(stdout.includes(name), name);
  });
}

test('every step that a service calls can be armed, and every one that can be armed is called', () => {
  const kinds = /^(sale|authorize|capture|void|refund|adjust)\./;
  for (const [service, names] of Object.entries(FAILPOINTS)) {
    const files = globSync(`services/${service}/src/**/*.ts`, { cwd: ROOT }).filter(
      (file) => !file.endsWith('.test.ts'),
    );
    const called = files.flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(/failpoint\(['`]([^'`]+)['`]\)/g)].map(
        ([, name = '']) => name.replace(/^\$\{\w+\.kind\}\./, '<kind>.'),
      ),
    );
    const known = names.map((name) => name.replace(kinds, '<kind>.'));
    assert.deepEqual(new Set(called), new Set(known), service);
  }
});

/** The service's own main.ts with everything else that it needs to start. */
function start(service: string, env: Record<string, string | undefined>): ReturnType<typeof spawnText> {
  return spawnText(join(ROOT, 'services', service, 'src', 'main.ts'), {
    PATH: process.env['PATH'],
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
    SIGNING_KEY_FILE: keyFile,
    TRUSTED_KEYS_FILE: keyFile,
    TLS_CERT_FILE: keyFile,
    TLS_KEY_FILE: keyFile,
    TLS_CA_FILE: keyFile,
    ...env,
  });
}

function spawnText(main: string, env: NodeJS.ProcessEnv) {
  // Long enough for a busy machine; one that really starts would never end by itself.
  return spawnSync(process.execPath, [main], { env, encoding: 'utf8', timeout: 120_000 });
}
