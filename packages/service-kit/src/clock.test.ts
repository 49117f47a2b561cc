import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('the system clock tells the time now', () => {
  const before = Date.now();
  const told = systemClock.now().getTime();
  assert.ok(told >= before && told <= Date.now());
});
