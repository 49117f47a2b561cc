import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '@centra/testkit/pause.ts';
import { createLog } from './log.ts';
import { pause, startLoop } from './loop.ts';

const log = createLog('test', 'silent');
const NEVER_MS = 3_600_000;

test('rounds follow at once while there is more, then the loop rests', async () => {
  let rounds = 0;
  const loop = startLoop({ name: 'test', intervalMs: NEVER_MS, log }, async () => {
    rounds += 1;
    return { more: rounds < 5 };
  });
  await waitFor('five rounds', async () => (rounds === 5 ? true : undefined));
  // A sixth would come within microseconds if the loop did not rest.
  await pause(30);
  assert.equal(rounds, 5);
  await loop.stop();
});

test('a failed round is tried again after the interval', async () => {
  let rounds = 0;
  const loop = startLoop({ name: 'test', intervalMs: 1, log }, async () => {
    rounds += 1;
    if (rounds < 3) throw new Error('database away');
    return { more: false };
  });
  await waitFor('a round after two failures', async () => (rounds >= 3 ? true : undefined));
  await loop.stop();
});

test('a round that throws before it returns a promise does not end the loop', async () => {
  let rounds = 0;
  const loop = startLoop({ name: 'test', intervalMs: 1, log }, () => {
    rounds += 1;
    throw new Error('at once');
  });
  await waitFor('a second round', async () => (rounds >= 2 ? true : undefined));
  await loop.stop();
});

test('stop waits for the round under way, tells it to hurry, and starts no other', async () => {
  let started = 0;
  let finished = 0;
  const loop = startLoop({ name: 'test', intervalMs: 0, log }, async (signal) => {
    started += 1;
    await pause(NEVER_MS, signal);
    await pause(20);
    finished += 1;
    return { more: true };
  });
  await waitFor('the round to start', async () => (started === 1 ? true : undefined));
  await loop.stop();
  assert.deepEqual({ started, finished }, { started: 1, finished: 1 });
  await pause(20);
  assert.equal(started, 1);
});

test('stop ends a long rest and may be asked twice', async () => {
  const loop = startLoop({ name: 'test', intervalMs: NEVER_MS, log }, async () => ({ more: false }));
  await pause(5);
  await Promise.all([loop.stop(), loop.stop()]);
  await loop.stop();
});

test('pause returns early when its signal aborts, and leaves no listener behind', async () => {
  await pause(NEVER_MS, AbortSignal.abort());
  const abort = new AbortController();
  let listeners = 0;
  const add = abort.signal.addEventListener.bind(abort.signal);
  const remove = abort.signal.removeEventListener.bind(abort.signal);
  abort.signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  abort.signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };
  await pause(1, abort.signal);
  assert.equal(listeners, 0);
  const waiting = pause(NEVER_MS, abort.signal);
  abort.abort();
  await waiting;
});
