import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLeakScanner, filesBelow, spellingsOf } from './leak-scan.ts';
import type { Canary } from './leak-scan.ts';
import { temporaryFolder } from './temporary-folder.ts';

const CARD: Canary = { name: 'card', kind: 'card', value: '4000056655665556' };
const AMEX: Canary = { name: 'Amex', kind: 'card', value: '378282246310005' };
const SECRET: Canary = { name: 'secret', kind: 'secret', value: 'whsec_a+b/c d%e=0123456789' };
const KEY: Canary = { name: 'key', kind: 'secret', value: randomBytes(32) };
const CODE: Canary = { name: 'code', kind: 'text', value: '"cvc":"8317' };
const ALL = [CARD, AMEX, SECRET, KEY, CODE];

test('every spelling of every canary is found wherever it stands in a file', (t) => {
  const folder = temporaryFolder('leak-scan');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const scanner = createLeakScanner(ALL);
  for (const canary of ALL)
    for (const { name, bytes } of spellingsOf(canary)) {
      const file = join(folder, 'planted');
      writeFileSync(file, Buffer.concat([randomBytes(777), bytes, randomBytes(99)]));
      const seen = scanner.scanFile(file).map((hit) => `${hit.canary} ${hit.spelling} ${hit.offset}`);
      assert.ok(seen.includes(`${canary.name} ${name} 777`), `${canary.name} as ${name}: ${seen.join()}`);
    }
});

test('base64 is found in each of its three alignments, whatever stands before and behind', () => {
  for (const canary of [CARD, SECRET, KEY])
    for (const before of [0, 1, 2, 3, 4, 5]) {
      const text = Buffer.concat([randomBytes(before), Buffer.from(canary.value), randomBytes(7)]);
      for (const encoding of ['base64', 'base64url'] as const) {
        const hits = createLeakScanner([canary]).scanBytes(Buffer.from(text.toString(encoding)), 'memory');
        assert.ok(hits.length > 0, `${canary.name} in ${encoding}, ${before} bytes in`);
      }
    }
});

test('what lies across two parts of a large file is found once', (t) => {
  const folder = temporaryFolder('leak-scan');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'large');
  const part = 8 * 1024 * 1024;
  for (const offset of [part - 1, part - 7, part, 2 * part - 15]) {
    const bytes = Buffer.alloc(2 * part + 1_000);
    bytes.write(String(CARD.value), offset);
    writeFileSync(file, bytes);
    assert.deepEqual(createLeakScanner([CARD]).scanFile(file), [
      { canary: 'card', spelling: 'plain', file, offset },
    ]);
  }
});

test('groups as people write them are found, also of 15 digits', () => {
  const scanner = createLeakScanner([CARD, AMEX]);
  for (const text of [
    '4000 0566 5566 5556',
    '4000-0566-5566-5556',
    '3782 822463 10005',
    '3782-8224-6310-005',
  ])
    assert.equal(scanner.scanBytes(Buffer.from(`<${text}>`), 'memory').length, 1, text);
});

test('what is almost a canary is none, and nothing is found in noise', () => {
  const scanner = createLeakScanner(ALL);
  const almost = ['4000056655665557', '400005665566555', '3782 8224 631 0005', 'whsec_a+b/c d%e=012345678'];
  for (const text of almost) assert.deepEqual(scanner.scanBytes(Buffer.from(text), 'memory'), []);
  assert.deepEqual(scanner.scanBytes(randomBytes(4 * 1024 * 1024), 'memory'), []);
});

test('a canary too short to mean anything is refused', () => {
  assert.throws(() => createLeakScanner([{ name: 'code', kind: 'text', value: '831' }]), /too short/);
});

test('every file below a folder is listed', (t) => {
  const folder = temporaryFolder('leak-scan');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'a', 'b'), { recursive: true });
  for (const name of ['one', 'a/two', 'a/b/three']) writeFileSync(join(folder, name), '');
  assert.deepEqual(
    filesBelow(folder).toSorted(),
    ['a/b/three', 'a/two', 'one'].map((name) => join(folder, name)),
  );
});
