import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

// The rows of the failure catalogue that this release promises: crashes and unknown outcomes, idempotency, webhooks,
// concurrency and money, credentials. Each has a test whose name begins with its number.
const PROMISED = [...range(1, 33), ...range(41, 48), ...range(51, 53), 56, 57];
const root = join(import.meta.dirname, '..');
// `test('12: …`, `describe("18, 33: …`, `test(\n  '41, 43: …`.
const NUMBERED = /\b(?:test|describe)\(\s*['"`]((?:\d+(?:, | and ))*\d+): /g;

test('every promised row of the failure catalogue has a test that carries its number', () => {
  const found = new Set(testFiles().flatMap((file) => numbersIn(readFileSync(join(root, file), 'utf8'))));
  assert.deepEqual(
    PROMISED.filter((row) => !found.has(row)),
    [],
  );
});

function numbersIn(text: string): number[] {
  return Array.from(text.matchAll(NUMBERED)).flatMap((match) =>
    (match[1] ?? '').split(/, | and /).map(Number),
  );
}

/** Also those that are not committed yet. */
function testFiles(): string[] {
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.test.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(listed.status, 0, listed.stderr);
  const files = listed.stdout.split('\n').filter((file) => file !== '');
  assert.ok(files.length > 100, 'the tests are found');
  return files;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_value, index) => from + index);
}
