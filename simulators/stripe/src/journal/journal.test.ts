import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { startRig } from '../testing/rig.ts';
import { Journal } from './journal.ts';
import type { JournalLine } from './journal-lines.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'journal-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function reopen(path: string): Promise<{ journal: Journal; lines: JournalLine[] }> {
  const lines: JournalLine[] = [];
  const journal = await Journal.open(path, (group) => lines.push(...group));
  return { journal, lines };
}

const effect = (name: string) => ({ kind: 'effect' as const, effect: name });

test('what one append holds is read back whole or not at all, wherever the file is torn', async (t) => {
  const path = await folder(t);
  const file = join(path, 'journal.jsonl');
  const { journal } = await reopen(path);
  await journal.append([effect('a')], 0);
  await journal.append([effect('b1'), effect('b2'), effect('b3')], 0);
  await journal.close();
  const whole = await readFile(file);
  const firstEnd = whole.indexOf(10) + 1;
  for (let length = firstEnd; length < whole.length; length += 7) {
    await writeFile(file, whole.subarray(0, length));
    const { journal: torn, lines } = await reopen(path);
    assert.deepEqual(
      lines.map(({ effect: name }) => name),
      ['a'],
      `torn at ${length}`,
    );
    await torn.append([effect('c')], 0);
    await torn.close();
    const { journal: after, lines: repaired } = await reopen(path);
    await after.close();
    assert.deepEqual(
      repaired.map(({ seq, effect: name }) => [seq, name]),
      [
        [1, 'a'],
        [2, 'c'],
      ],
    );
  }
});

test('a damaged line in the middle stops the start instead of losing what follows', async (t) => {
  const path = await folder(t);
  const file = join(path, 'journal.jsonl');
  const { journal } = await reopen(path);
  for (const name of ['a', 'b', 'c']) await journal.append([effect(name)], 0);
  await journal.close();
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('"b"', '"b'));
  await assert.rejects(reopen(path), /journal line 2 cannot be read/);
});

test('concurrent appends keep their order, and pages reach every line once', async (t) => {
  const { journal } = await reopen(await folder(t));
  t.after(() => journal.close());
  await Promise.all(
    Array.from({ length: 2_500 }, (_, at) =>
      journal.append([{ kind: at % 2 ? 'effect' : 'request', n: at }], 0),
    ),
  );
  const seen: unknown[] = [];
  for (let after = 0; ;) {
    const page = await journal.page(after, 'effect', 300);
    if (page.entries.length === 0) break;
    assert.ok(page.entries.length <= 300);
    seen.push(...page.entries.map(({ n }) => n));
    after = page.last_seq;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 1_250 }, (_, at) => at * 2 + 1),
  );
});

test('a request whose lines were torn never happened: its key charges, once', async (t) => {
  const rig = await startRig(t);
  const form =
    'amount=2500&currency=eur&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true';
  const file = join(rig.dataDir, 'journal.jsonl');
  await rig.call('POST', '/v1/payment_intents', form, { 'idempotency-key': 'kept' });
  const before = (await readFile(file)).length;
  await rig.call('POST', '/v1/payment_intents', form, { 'idempotency-key': 'torn' });
  const after = (await readFile(file)).length;
  await rig.restart(() => truncate(file, before + Math.floor((after - before) * 0.9)));
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
  const replayed = await rig.call('POST', '/v1/payment_intents', form, { 'idempotency-key': 'kept' });
  assert.equal(replayed.headers['idempotent-replayed'], 'true');
  const charged = await rig.call('POST', '/v1/payment_intents', form, { 'idempotency-key': 'torn' });
  assert.deepEqual([charged.status, charged.headers['idempotent-replayed']], [200, undefined]);
  assert.equal((await rig.effects('charge.succeeded')).length, 2);
});

test('a journal that cannot be written answers nothing but 500', async (t) => {
  const path = await folder(t);
  const { journal } = await reopen(path);
  await journal.append([effect('a')], 0);
  await journal.close();
  await assert.rejects(journal.append([effect('b')], 0), /the journal cannot be written/);
  await assert.rejects(journal.append([effect('c')], 0), /the journal cannot be written/);
  const { journal: again, lines } = await reopen(path);
  await again.close();
  assert.deepEqual(
    lines.map(({ effect: name }) => name),
    ['a'],
  );
});
