import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { waitFor } from './pause.ts';

test('waitFor asks until there is an answer, and gives it', async () => {
  let asked = 0;
  const answer = await waitFor('the third time', async () => ((asked += 1) === 3 ? 'there' : undefined));
  assert.deepEqual([answer, asked], ['there', 3]);
});

test('waitFor takes null, false, 0 and empty text for answers', async () => {
  for (const value of [null, false, 0, '']) assert.equal(await waitFor('a value', async () => value), value);
});

test('waitFor throws naming what never came, and asks at least once', async () => {
  let asked = 0;
  const waiting = waitFor('the train', async () => void (asked += 1), 1);
  await assert.rejects(waiting, /waited 1 ms in vain for the train/);
  assert.ok(asked >= 1);
});

test('waitFor throws in time although the time of day stands still', async () => {
  mock.timers.enable({ apis: ['Date'] });
  try {
    await assert.rejects(
      waitFor('the train', async () => undefined, 60),
      /in vain/,
    );
  } finally {
    mock.timers.reset();
  }
});

test('waitFor passes on what the asking throws', async () => {
  const failing = waitFor('the train', async () => {
    throw new Error('no such station');
  });
  await assert.rejects(failing, /no such station/);
});
