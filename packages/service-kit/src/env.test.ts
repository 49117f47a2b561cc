import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import {
  ConfigError,
  envChoice,
  envFile,
  envFlag,
  envInteger,
  envIsProduction,
  envOptional,
  envPort,
  envText,
  envUrl,
  readEnv,
} from './env.ts';
import type { Env } from './env.ts';

describe('envText', () => {
  test('reads the text, or the default when unset or empty, as in a file of variables', () => {
    assert.equal(envText({ A: 'x' }, 'A'), 'x');
    assert.equal(envText({ A: 'x' }, 'A', 'y'), 'x');
    assert.equal(envText({}, 'A', 'y'), 'y');
    assert.equal(envText({ A: '' }, 'A', 'y'), 'y');
  });

  test('refuses an unset or empty variable without a default', () => {
    for (const env of [{}, { A: '' }, { A: undefined }]) refuses(() => envText(env, 'A'), 'A is not set');
  });
});

test('envOptional reads the text, or undefined when unset or empty', () => {
  assert.equal(envOptional({ A: 'x' }, 'A'), 'x');
  assert.equal(envOptional({ A: '' }, 'A'), undefined);
  assert.equal(envOptional({}, 'A'), undefined);
});

describe('envInteger', () => {
  test('reads whole numbers within its bounds, both included', () => {
    assert.deepEqual(['-5', '0', '100', '007'].map(readNumber), [-5, 0, 100, 7]);
    assert.deepEqual(['', undefined].map(readNumber), [7, 7]);
  });

  test('refuses everything else by name and bounds', () => {
    for (const text of [
      '-6',
      '101',
      '1.5',
      '1.0',
      '1e1',
      '0x10',
      ' 1',
      '1 ',
      '+1',
      'one',
      '٣',
      'NaN',
      '9'.repeat(30),
    ])
      refuses(() => readNumber(text), `A must be a whole number from -5 to 100, not "${text}"`);
  });
});

test('envPort takes 0 to 65535 only', () => {
  assert.deepEqual(
    ['0', '8080', '65535'].map((text) => envPort({ P: text }, 'P', 1)),
    [0, 8080, 65_535],
  );
  for (const text of ['-1', '65536', '80.5', 'http'])
    refuses(() => envPort({ P: text }, 'P', 1), `P must be a whole number from 0 to 65535, not "${text}"`);
});

test('envFlag takes true and false only', () => {
  assert.deepEqual(
    ['true', 'false', '', undefined].map((text) => envFlag({ F: text }, 'F', true)),
    [true, false, true, true],
  );
  for (const text of ['1', '0', 'yes', 'TRUE', ' true'])
    refuses(() => envFlag({ F: text }, 'F', false), `F must be true or false, not "${text}"`);
});

describe('envUrl', () => {
  test('takes http and https and drops trailing slashes', () => {
    assert.equal(envUrl({ U: 'https://pay.test/' }, 'U'), 'https://pay.test');
    assert.equal(envUrl({ U: 'http://127.0.0.1:8080/v1//' }, 'U'), 'http://127.0.0.1:8080/v1');
    assert.equal(envUrl({}, 'U', 'https://default.test'), 'https://default.test');
  });

  test('refuses other addresses without repeating them, since one may hold a password', () => {
    const wrong = [
      'pay.test',
      'ftp://pay.test',
      'file:///etc/passwd',
      'https://',
      'http:pay.test',
      '//pay.test',
    ];
    for (const text of [...wrong, 'postgres://user:pass-word@db/x'])
      refuses(() => envUrl({ U: text }, 'U'), 'U must be an http(s) URL');
    refuses(() => envUrl({}, 'U'), 'U is not set');
  });
});

test('envFile reads the file that the variable names, and refuses one that cannot be read', () => {
  const folder = temporaryFolder('env');
  try {
    const path = join(folder, 'key.pem');
    writeFileSync(path, 'content');
    assert.equal(envFile({ F: path }, 'F'), 'content');
    refuses(() => envFile({ F: join(folder, 'missing') }, 'F'), 'F names a file that cannot be read');
    refuses(() => envFile({ F: folder }, 'F'), 'F names a file that cannot be read');
    refuses(() => envFile({}, 'F'), 'F is not set');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('envChoice takes one of its words only', () => {
  assert.deepEqual(['redis', 'memory', '', undefined].map(readChoice), [
    'redis',
    'memory',
    'memory',
    'memory',
  ]);
  for (const text of ['Redis', 'postgres', 'toString'])
    refuses(() => readChoice(text), `C must be one of memory, redis, not "${text}"`);
});

test('only the exact word production is production', () => {
  const envs: [Env, boolean][] = [
    [{ NODE_ENV: 'production' }, true],
    [{ NODE_ENV: 'test' }, false],
    [{}, false],
  ];
  for (const [env, expected] of envs) assert.equal(envIsProduction(env), expected);
});

test('readEnv is a copy: changing it changes no process', () => {
  const env: Record<string, string | undefined> = readEnv();
  assert.equal(env['PATH'], process.env['PATH']);
  env['CENTRA_ONLY_IN_COPY'] = 'x';
  assert.equal(process.env['CENTRA_ONLY_IN_COPY'], undefined);
});

function refuses(read: () => unknown, message: string): void {
  assert.throws(
    read,
    (error) =>
      error instanceof ConfigError &&
      error.name === 'ConfigError' &&
      error.message.startsWith(message) &&
      !error.message.includes('pass-word'),
  );
}

function readNumber(text: string | undefined): number {
  return envInteger({ A: text }, 'A', 7, -5, 100);
}

function readChoice(text: string | undefined): string {
  return envChoice({ C: text }, 'C', ['memory', 'redis'], 'memory');
}
