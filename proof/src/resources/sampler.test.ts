import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { resourceLineSchema } from '../run-folder.ts';
import type { ResourceLine } from '../run-folder.ts';
import { createSampler } from './sampler.ts';

function readSamples(folder: string): ResourceLine[] {
  const lines = readFileSync(join(folder, 'resources.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => resourceLineSchema.parse(JSON.parse(line)));
}

test('memory and descriptors that a process takes are seen, phase by phase', async (t) => {
  const folder = temporaryFolder('sampler');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const sampler = createSampler([{ name: 'self', pid: () => process.pid, isRunning: () => true }], folder);
  await sampler.take('baseline');
  const taken = Buffer.alloc(64 * 1024 * 1024, 1);
  const handles = Array.from({ length: 32 }, () => openSync('/dev/null', 'r'));
  await sampler.take('rest');
  for (const handle of handles) closeSync(handle);
  const samples = readSamples(folder);
  const [before, after] = (['baseline', 'rest'] as const).map((phase) =>
    samples.findLast((sample) => sample.phase === phase),
  );
  assert.ok(before !== undefined && after !== undefined && taken.length > 0);
  assert.ok(after.descriptors >= before.descriptors + 32);
  assert.ok(after.rssBytes >= before.rssBytes + 32 * 1024 * 1024);
});

test('a process that is gone, or says that it does not run, leaves no line', async (t) => {
  const folder = temporaryFolder('sampler');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const sampler = createSampler(
    [
      { name: 'self', pid: () => process.pid, isRunning: () => true },
      { name: 'stopped', pid: () => process.pid, isRunning: () => false },
      // Above the largest pid that Linux gives out.
      { name: 'gone', pid: () => 2 ** 22 + 1, isRunning: () => true },
    ],
    folder,
  );
  await sampler.take('baseline');
  assert.deepEqual([...new Set(readSamples(folder).map((sample) => sample.process))], ['self']);
});
