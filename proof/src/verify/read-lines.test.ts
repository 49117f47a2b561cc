import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { z } from 'zod';
import { parseExactly, readAll, readLines } from './read-lines.ts';

test('no digit of a whole number is lost, however long it is', () => {
  assert.deepEqual(parseExactly('{"a":9007199254740993,"b":[-9223372036854775808],"c":1.5,"d":"1"}'), {
    a: 9_007_199_254_740_993n,
    b: [-9_223_372_036_854_775_808n],
    c: 1.5,
    d: '1',
  });
});

test('lines are read whole across parts of a file, and one that was never ended is left out', (t) => {
  const folder = temporaryFolder('read-lines');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'lines.jsonl');
  // Longer than a part, with letters of several bytes that a part may cut.
  const long = 'é'.repeat(3 * 1024 * 1024);
  writeFileSync(file, `"a"\n"${long}"\n"b"\n"torn`);
  assert.deepEqual([...readLines(file)], ['"a"', `"${long}"`, '"b"']);
  assert.deepEqual([...readLines(join(folder, 'absent'))], []);
});

test('a line of another form is named with its file and number', (t) => {
  const folder = temporaryFolder('read-lines');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'rows.jsonl');
  writeFileSync(file, '{"amount":1}\n{"amount":"2"}\n');
  assert.throws(() => readAll(file, z.object({ amount: z.bigint() })), /rows\.jsonl, line 2/);
});
