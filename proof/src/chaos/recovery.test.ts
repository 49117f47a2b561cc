import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outagesOf, percentile, recoveryMs } from './recovery.ts';

const op = (createdAt: number, finishedAt: number) => ({ id: 'op', createdAt, finishedAt, wasAbsent: false });

// operation from, until; faults; how long it was open with nothing broken
const CASES: readonly [number, number, readonly [number, number][], number][] = [
  [1_000, 4_000, [], 3_000],
  [1_000, 9_000, [[0, 5_000]], 4_000],
  [
    1_000,
    9_000,
    [
      [0, 5_000],
      [2_000, 8_500],
    ],
    500,
  ],
  [1_000, 9_000, [[8_000, 20_000]], 0],
  [
    1_000,
    9_000,
    [
      [0, 500],
      [10_000, 11_000],
    ],
    8_000,
  ],
];

test('the time to recover counts from the end of the last fault that struck while the operation was open', () => {
  for (const [createdAt, finishedAt, faults, expected] of CASES) {
    const outages = faults.map(([begin, end]) => ({ begin, end }));
    assert.equal(recoveryMs(op(createdAt, finishedAt), outages), expected);
  }
});

test('a fault that was never ended lasts until the run was quiet', () => {
  const line = { id: 1, fault: 'kill', target: 'transaction-1', details: {} };
  const begin = { ...line, type: 'begin', at: '2026-01-01T00:00:00.000Z' } as const;
  const until = Date.parse('2026-01-01T00:01:00.000Z');
  assert.deepEqual(outagesOf([begin], until), [{ begin: until - 60_000, end: until }]);
  const end = { ...line, type: 'end', at: '2026-01-01T00:00:05.000Z' } as const;
  assert.deepEqual(outagesOf([begin, end], until), [{ begin: until - 60_000, end: until - 55_000 }]);
});

test('99 per cent of a hundred leave out the slowest one', () => {
  const values = Array.from({ length: 100 }, (_, nth) => 100 - nth);
  assert.deepEqual([percentile(values, 50), percentile(values, 99), percentile(values, 100)], [50, 99, 100]);
  assert.equal(percentile([], 99), 0);
});
