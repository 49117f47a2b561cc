import assert from 'node:assert/strict';
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { z } from 'zod';
import { Clock } from './clock.ts';
import type { JournalEntry } from './journal.ts';
import { Journal } from './journal.ts';
import { temporaryFolder } from './test-bench.ts';

async function openAt(path: string): Promise<{ journal: Journal; kept: JournalEntry[] }> {
  const kept: JournalEntry[] = [];
  const journal = await Journal.open(path, new Clock(), (entry) => kept.push(entry));
  return { journal, kept };
}

async function journalOf(t: TestContext, lines: number): Promise<string> {
  const path = join(await temporaryFolder(t), 'journal.jsonl');
  const { journal } = await openAt(path);
  await Promise.all(Array.from({ length: lines }, (_, n) => journal.append('effect', { effect: 'test', n })));
  await journal.close();
  return path;
}

test('an append is in the file when it resolves, in order, numbered without a gap', async (t) => {
  const path = join(await temporaryFolder(t), 'journal.jsonl');
  const { journal } = await openAt(path);
  t.after(() => journal.close());
  journal.note('request', { n: 0 });
  await Promise.all([journal.append('effect', { n: 1 }), journal.append('effect', { n: 2 })]);
  const lines = (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => z.object({ seq: z.number(), n: z.number() }).parse(JSON.parse(line)));
  assert.deepEqual(
    lines.map(({ seq, n }) => [seq, n]),
    [
      [1, 0],
      [2, 1],
      [3, 2],
    ],
  );
});

for (const torn of ['{"seq":4,"at":"20', '{"seq":4,"at":"x","kind":"effect"}', '{"seq":4}\n', '\0\0\0\0']) {
  test(`a torn last line ${JSON.stringify(torn)} is cut off and its number used again`, async (t) => {
    const path = await journalOf(t, 3);
    const { size } = await stat(path);
    await appendFile(path, torn);
    const { journal, kept } = await openAt(path);
    assert.deepEqual(
      kept.map((entry) => entry.n),
      [0, 1, 2],
    );
    assert.equal((await stat(path)).size, size);
    await journal.append('effect', { n: 3 });
    await journal.close();
    const again = await openAt(path);
    await again.journal.close();
    assert.deepEqual(
      again.kept.map((entry) => [entry.seq, entry.n]),
      [
        [1, 0],
        [2, 1],
        [3, 2],
        [4, 3],
      ],
    );
  });
}

test('damage before the last line stops the start', async (t) => {
  const path = await journalOf(t, 3);
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('"n":1', '"n":'));
  await assert.rejects(openAt(path), /damaged after seq 1/);
  await writeFile(path, text.split('\n').toSpliced(1, 1).join('\n'));
  await assert.rejects(openAt(path), /damaged after seq 1/);
});

test('pages follow each other without a gap, over more lines than one index mark covers', async (t) => {
  const path = await journalOf(t, 2500);
  const { journal } = await openAt(path);
  t.after(() => journal.close());
  const seen: number[] = [];
  let after = 0;
  for (let pages = 0; pages < 4; pages += 1) {
    const page = await journal.read(after, undefined, 1000);
    seen.push(...page.entries.map((entry) => entry.seq));
    after = page.last_seq;
    assert.equal(page.has_more, pages < 2, `page ${pages}`);
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 2500 }, (_, n) => n + 1),
  );
  const [middle] = (await journal.read(1499, 'effect', 1)).entries;
  assert.equal(middle?.seq, 1500);
  assert.deepEqual(await journal.read(2500, undefined, 10), { entries: [], last_seq: 2500, has_more: false });
  assert.deepEqual((await journal.read(0, 'state', 10)).entries, []);
});
