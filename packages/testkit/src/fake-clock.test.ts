import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '@centra/service-kit/clock.ts';
import { FakeClock } from './fake-clock.ts';

test('the clock moves only when told, and is one that services take', () => {
  const clock = new FakeClock(new Date('2026-03-01T00:00:00Z'));
  const asService: Clock = clock;
  assert.equal(asService.now().toISOString(), '2026-03-01T00:00:00.000Z');
  clock.advance(90_000);
  assert.equal(asService.now().toISOString(), '2026-03-01T00:01:30.000Z');
});

test('whoever changes a date it gave does not change the clock', () => {
  const start = new Date('2026-03-01T00:00:00Z');
  const clock = new FakeClock(start);
  clock.now().setFullYear(1999);
  assert.equal(clock.now().getFullYear(), 2026);
});
