import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createMicroBatch } from './micro-batch.ts';

class ItemFailure extends Error {}

/** A flush that records its batches and finishes when told, or at once. */
function recorder(
  options: {
    concurrency?: number;
    sizeMax?: number;
    hold?: boolean;
    answer?: (items: readonly number[]) => Promise<number[]>;
  } = {},
) {
  const batches: number[][] = [];
  const held: (() => void)[] = [];
  let underWay = 0;
  let underWayMax = 0;
  const write = createMicroBatch<number, number>({
    name: 'test',
    concurrency: options.concurrency ?? 2,
    sizeMax: options.sizeMax ?? 32,
    isItemFailure: (error) => error instanceof ItemFailure,
    async flush(items) {
      batches.push([...items]);
      underWay += 1;
      underWayMax = Math.max(underWayMax, underWay);
      try {
        if (options.hold === true) await new Promise<void>((resolve) => held.push(resolve));
        return await (options.answer?.(items) ?? Promise.resolve(items.map((item) => item * 10)));
      } finally {
        underWay -= 1;
      }
    },
  });
  return { write, batches, held, underWayMax: () => underWayMax };
}

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

test('what arrives in one turn goes together, and each caller gets its own answer', async () => {
  const { write, batches } = recorder();
  assert.deepEqual(await Promise.all([1, 2, 3].map(write)), [10, 20, 30]);
  assert.deepEqual(batches, [[1, 2, 3]]);
});

test('a lone caller waits for nobody', async () => {
  const { write, batches, held } = recorder({ hold: true });
  const answer = write(1);
  await turn();
  assert.deepEqual(batches, [[1]]);
  held[0]?.();
  assert.equal(await answer, 10);
});

test('what arrives while all statements are under way waits and then goes together, in order', async () => {
  const { write, batches, held } = recorder({ hold: true });
  const answers = [write(1)];
  await turn();
  answers.push(write(2));
  await turn();
  for (const item of [3, 4, 5]) {
    answers.push(write(item));
    await turn();
  }
  assert.deepEqual(batches, [[1], [2]]);
  held[0]?.();
  await turn();
  await turn();
  assert.deepEqual(batches, [[1], [2], [3, 4, 5]]);
  for (const release of held.slice(1)) release();
  assert.deepEqual(await Promise.all(answers), [10, 20, 30, 40, 50]);
});

test('a batch never exceeds its size, nor the statements under way their number', async () => {
  const { write, batches, underWayMax } = recorder({ sizeMax: 4 });
  await Promise.all(Array.from({ length: 50 }, (_, item) => item).map(write));
  assert.ok(batches.every((batch) => batch.length <= 4));
  assert.deepEqual(
    batches.flat(),
    Array.from({ length: 50 }, (_, item) => item),
  );
  assert.equal(underWayMax(), 2);
});

test('one bad item fails alone: the others of its batch are written without it', async () => {
  const { write } = recorder({
    answer: async (items) => {
      if (items.includes(2)) throw new ItemFailure('2 is bad');
      return items.map((item) => item * 10);
    },
  });
  const results = await Promise.allSettled([1, 2, 3].map(write));
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : 'failed')),
    [10, 'failed', 30],
  );
});

test('a failure of the statement as a whole fails every item of it once, without further tries', async () => {
  const { write, batches } = recorder({
    answer: async () => {
      throw new Error('the database is away');
    },
  });
  const results = await Promise.allSettled([1, 2, 3].map(write));
  assert.ok(results.every((result) => result.status === 'rejected'));
  assert.equal(batches.length, 1);
});

test('an answer for fewer items than were given is an error for those left out, never a wrong answer', async () => {
  const { write } = recorder({ answer: async (items) => items.slice(0, 1) });
  const results = await Promise.allSettled([7, 8].map(write));
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected'],
  );
});

test('after a failure the next callers are served', async () => {
  let isAway = true;
  const { write } = recorder({
    answer: async (items) => {
      if (isAway) throw new Error('away');
      return [...items];
    },
  });
  await assert.rejects(write(1));
  isAway = false;
  assert.equal(await write(2), 2);
});

test('whatever arrives whenever: each item is answered exactly once, with its own answer, and good ones never fail', async () => {
  const arrivals = fc.array(fc.record({ item: fc.nat(1_000), bad: fc.boolean(), pauses: fc.nat(3) }), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(
      arrivals,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 9 }),
      async (given, concurrency, sizeMax) => {
        const bad = new Set(given.flatMap(({ bad: isBad }, index) => (isBad ? [index] : [])));
        let written: number[] = [];
        const write = createMicroBatch<number, number>({
          name: 'test',
          concurrency,
          sizeMax,
          isItemFailure: (error) => error instanceof ItemFailure,
          async flush(indexes) {
            assert.ok(indexes.length <= sizeMax);
            await turn();
            if (indexes.some((index) => bad.has(index))) throw new ItemFailure();
            written = [...written, ...indexes];
            return indexes.map((index) => given[index]?.item ?? -1);
          },
        });
        const answers: Promise<PromiseSettledResult<number>[]>[] = [];
        for (const [index, { pauses }] of given.entries()) {
          // Settled at once, so that no rejection is left unheard while the others still arrive.
          answers.push(Promise.allSettled([write(index)]));
          for (let pause = 0; pause < pauses; pause += 1) await turn();
        }
        const results = (await Promise.all(answers)).flat();
        for (const [index, result] of results.entries()) {
          if (bad.has(index)) assert.equal(result.status, 'rejected');
          else assert.equal(result.status === 'fulfilled' ? result.value : undefined, given[index]?.item);
        }
        assert.equal(new Set(written).size, written.length, 'nothing was written twice');
        assert.equal(written.length, given.length - bad.size);
      },
    ),
    { numRuns: 100 },
  );
});

test('60: behind a database that stands still, callers are refused once too many wait, and the others still go', async () => {
  const { promise: stuck, resolve: release } = Promise.withResolvers<void>();
  const write = createMicroBatch<number, number>({
    name: 'test',
    concurrency: 1,
    sizeMax: 32,
    isItemFailure: () => false,
    async flush(items) {
      await stuck;
      return [...items];
    },
  });
  const writes = Array.from({ length: 4_100 }, (_value, index) => write(index));
  const settled = Promise.allSettled(writes);
  release();
  const outcomes = await settled;
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.equal(refused.length, 100);
  for (const outcome of refused) assert.equal(outcome.reason.code, 'unavailable');
});
