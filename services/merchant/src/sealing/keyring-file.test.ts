import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigError } from '@centra/service-kit/env.ts';
import { readKeyringFile } from './keyring-file.ts';
import { SealError } from '@centra/service-kit/seal.ts';

const folder = mkdtempSync(join(tmpdir(), 'centra-keyring-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const development = { isProduction: false };
const owner = { merchantId: '01890000-0000-7000-8000-000000000001', version: 1 };

test('in development a missing keyring is created, readable by its owner only, and read again at the next start', async () => {
  const path = join(folder, 'new', 'keyring.json');
  const first = await readKeyringFile(path, development);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(folder, 'new')), ['keyring.json']);
  const text = readFileSync(path, 'utf8');
  const dataKey = createSecretKey(randomBytes(32));
  const { masterKeyId, wrapped } = await first.wrap(dataKey, owner);
  const second = await readKeyringFile(path, development);
  assert.equal(readFileSync(path, 'utf8'), text);
  assert.ok((await second.unwrap(wrapped, masterKeyId, owner)).equals(dataKey));
});

test('processes that start at once agree on one keyring', async () => {
  const path = join(folder, 'race.json');
  const keyrings = await Promise.all(Array.from({ length: 8 }, () => readKeyringFile(path, development)));
  const dataKey = createSecretKey(randomBytes(32));
  for (const one of keyrings) {
    const { masterKeyId, wrapped } = await one.wrap(dataKey, owner);
    for (const other of keyrings)
      assert.ok((await other.unwrap(wrapped, masterKeyId, owner)).equals(dataKey));
  }
});

test('in production a missing keyring is a ConfigError and is not created', async () => {
  const path = join(folder, 'missing.json');
  await assert.rejects(readKeyringFile(path, { isProduction: true }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /KEYRING_FILE/);
    return true;
  });
  assert.equal(existsSync(path), false);
});

test('a wrapped data key opens for its own hotel, version and master key only', async () => {
  const path = join(folder, 'two.json');
  const [k1, k2] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
  writeFileSync(path, JSON.stringify({ active: 'k2', keys: { k1, k2 } }));
  const keyring = await readKeyringFile(path, { isProduction: true });
  const { masterKeyId, wrapped } = await keyring.wrap(createSecretKey(randomBytes(32)), owner);
  assert.equal(masterKeyId, 'k2');
  await keyring.unwrap(wrapped, 'k2', owner);
  const other = { merchantId: '01890000-0000-7000-8000-000000000002', version: 1 };
  await assert.rejects(keyring.unwrap(wrapped, 'k2', other), SealError);
  await assert.rejects(keyring.unwrap(wrapped, 'k2', { ...owner, version: 2 }), SealError);
  await assert.rejects(keyring.unwrap(wrapped, 'k1', owner), SealError);
  await assert.rejects(keyring.unwrap(wrapped, 'k3', owner), SealError);
  // The same key bytes under another name: the name is bound too.
  const renamed = join(folder, 'renamed.json');
  writeFileSync(renamed, JSON.stringify({ active: 'k9', keys: { k9: k2 } }));
  await assert.rejects((await readKeyringFile(renamed, development)).unwrap(wrapped, 'k9', owner), SealError);
});

describe('a ConfigError that never quotes a key', () => {
  const good = randomBytes(32).toString('base64');
  const short = randomBytes(31).toString('base64');
  const files: [string, string][] = [
    ['no JSON', `{"active":"k1","keys":{"k1":"${good}"`],
    ['no keys', '{"active":"k1"}'],
    ['an unknown member', JSON.stringify({ active: 'k1', keys: { k1: good }, extra: 1 })],
    ['an active key that is not there', JSON.stringify({ active: 'k2', keys: { k1: good } })],
    ['a short key', JSON.stringify({ active: 'k1', keys: { k1: short } })],
    ['a key that is not base64', JSON.stringify({ active: 'k1', keys: { k1: `${good.slice(0, -2)}!!` } })],
    ['a key id with a slash', JSON.stringify({ active: '../k1', keys: { '../k1': good } })],
  ];
  for (const [what, text] of files)
    test(what, async () => {
      const path = join(folder, `${what.replaceAll(' ', '-')}.json`);
      writeFileSync(path, text);
      await assert.rejects(readKeyringFile(path, development), (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.ok(!error.message.includes(good.slice(0, 12)) && !error.message.includes(short.slice(0, 12)));
        assert.equal(error.cause, undefined);
        return true;
      });
    });
});
