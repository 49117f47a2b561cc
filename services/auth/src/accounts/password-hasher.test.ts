import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { createPasswordHasher } from './password-hasher.ts';

// bcrypt's least: what is tested here does not depend on it.
const COST = 4;
const hasher = createPasswordHasher({ cost: COST });
const PASSWORD = 'five otters paddle at dawn';

test('a password matches its hash and no other does', async () => {
  const hash = await hasher.hash(PASSWORD);
  assert.match(hash, /^\$2b\$04\$/);
  assert.equal(await hasher.matches(PASSWORD, hash), true);
  assert.equal(await hasher.matches(`${PASSWORD}!`, hash), false);
  assert.notEqual(await hasher.hash(PASSWORD), hash);
});

test('one letter is the same letter however the keyboard writes it', async () => {
  const hash = await hasher.hash('caf\u00e9 au bord de mer');
  assert.equal(await hasher.matches('cafe\u0301 au bord de mer', hash), true);
});

test('nothing matches that bcrypt would have cut', async () => {
  const longest = 'k7'.repeat(36);
  const hash = await hasher.hash(longest);
  assert.equal(await hasher.matches(longest, hash), true);
  assert.equal(await hasher.matches(`${longest}x`, hash), false);
  assert.equal(await hasher.matches(`${PASSWORD}\0x`, await hasher.hash(PASSWORD)), false);
});

test('without an account the same work is done, at the same cost, and nothing matches', async () => {
  const metrics = createMetrics('test');
  const counted = createPasswordHasher({ cost: COST, metrics });
  assert.equal(await counted.matches(PASSWORD, undefined), false);
  assert.equal(await counted.matches(PASSWORD, await hasher.hash('another')), false);
  assert.match(await metrics.registry.metrics(), /password_work_total\{kind="compare",service="test"\} 2/);
});

test('a hash of another cost is outdated', async () => {
  const hash = await hasher.hash(PASSWORD);
  assert.equal(hasher.isOutdated(hash), false);
  assert.equal(createPasswordHasher({ cost: COST + 1 }).isOutdated(hash), true);
});

test('67 at once are served, and one more is turned away with 503 and served later', async () => {
  const busy = createPasswordHasher({ cost: COST });
  const waiting = Array.from({ length: 67 }, () => busy.hash(PASSWORD));
  await assert.rejects(
    busy.matches(PASSWORD, undefined),
    (error) => error instanceof AppError && error.code === 'unavailable' && error.retryAfterSeconds === 5,
  );
  assert.equal(new Set(await Promise.all(waiting)).size, 67);
  assert.equal(await busy.matches(PASSWORD, undefined), false);
});

test('what is no hash matches nothing, and uses up no place', async () => {
  const own = createPasswordHasher({ cost: COST });
  for (let round = 0; round < 20; round += 1)
    assert.equal(await own.matches(PASSWORD, 'not a hash').catch(() => false), false);
  assert.equal(await own.matches(PASSWORD, await own.hash(PASSWORD)), true);
});
