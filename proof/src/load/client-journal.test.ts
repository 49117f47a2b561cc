import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { clientLineSchema } from '../run-folder.ts';
import { openClientJournal } from './client-journal.ts';
import type { Invoke } from './client-journal.ts';

const INVOKE: Invoke = {
  type: 'invoke',
  merchantId: 'm',
  action: 'charge',
  key: 'k',
  paymentId: null,
  amount: 100,
  currency: 'EUR',
  fingerprint: 'f',
  door: 'http://127.0.0.1:1',
};

test('an invocation is in the file before its request may leave, and every end is there after close', async () => {
  const folder = temporaryFolder('client-journal');
  try {
    const file = join(folder, 'client.jsonl');
    const journal = await openClientJournal(file);
    const lines = (): unknown[] =>
      readFileSync(file, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line): unknown => JSON.parse(line));
    const ids = await Promise.all(
      Array.from({ length: 100 }, async (_, nth) => {
        const id = await journal.invoke({ ...INVOKE, key: `k${nth}` });
        const written = lines().map((line) => clientLineSchema.parse(line));
        assert.ok(written.some((line) => line.id === id && line.type === 'invoke' && line.key === `k${nth}`));
        journal.end(id, { type: 'info', status: 0, reason: 'cut', paymentId: null });
        return id;
      }),
    );
    await journal.close();
    const all = lines().map((line) => clientLineSchema.parse(line));
    assert.equal(new Set(ids).size, 100);
    assert.equal(all.filter(({ type }) => type === 'info').length, 100);
    assert.deepEqual(
      all.map(({ seq }) => seq),
      Array.from({ length: 200 }, (_, nth) => nth + 1),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a journal is never written over', async () => {
  const folder = temporaryFolder('client-journal');
  try {
    const file = join(folder, 'client.jsonl');
    await (await openClientJournal(file)).close();
    await assert.rejects(openClientJournal(file), { code: 'EEXIST' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
