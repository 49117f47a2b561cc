import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { addColleague, logIn, tokensSchema } from '@centra/dev/people.ts';
import type { Person, Tokens } from '@centra/dev/people.ts';
import { createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import type { RedisServer } from '@centra/testkit/redis-server.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { Redis } from 'ioredis';
import { NO_LIMITS } from './no-limits.ts';
import { call, startPlatformUnderTest } from './platform-under-test.ts';
import type { Answer, PlatformUnderTest } from './platform-under-test.ts';

// What Redis holds is a copy of what the database knows, and counters: flushed, hanging or gone, people log in, refresh and work
// on, nobody is logged out, and nothing that was taken away is allowed again.

let platform: PlatformUnderTest;
let hotel: Hotel;
let person: Person;
let tokens: Tokens;

before(async () => {
  platform = await startPlatformUnderTest({ env: NO_LIMITS });
  hotel = await createHotel(platform, { name: 'Riad Redis', provider: 'simulator' });
  person = await colleague('owner');
  tokens = await logIn(platform, person, { merchantId: hotel.merchantId });
});
after(async () => await platform.end());

async function colleague(role: string): Promise<Person & { userId: string }> {
  const email = `${randomUUID()}@redis.example`;
  return await addColleague(platform, hotel.merchantId, { email, name: 'Ana Redis', role });
}

/** The npm start of every machine that runs this suite has it; without it there would be nothing to take away. */
function redis(): RedisServer {
  assert.ok(platform.redis !== undefined, 'the platform runs with Redis');
  return platform.redis;
}

async function payments(credential: string): Promise<Answer> {
  return await call(platform, 'GET', '/v1/payments?limit=1', { apiKey: credential });
}

/** Everything that a working day asks of auth. */
async function assertWorks(): Promise<void> {
  const { merchantId } = hotel;
  assert.equal((await payments(tokens.access_token)).status, 200, 'the token from before');
  assert.equal((await payments(hotel.apiKey)).status, 200, 'the key');
  const fresh = await logIn(platform, person, { merchantId });
  assert.equal((await payments(fresh.access_token)).status, 200, 'a new session');
  const body = JSON.stringify({ refresh_token: tokens.refresh_token });
  const refreshed = await call(platform, 'POST', '/v1/auth/refresh', { body });
  assert.equal(refreshed.status, 200, refreshed.text);
  tokens = tokensSchema.parse(refreshed.json);
  assert.equal((await payments(tokens.access_token)).status, 200, 'the refreshed one');
  assert.equal((await payments(`${tokens.access_token}A`)).status, 401, 'a wrong one');
}

// What the product promises of every revocation.
const BITES_WITHIN_MS = 5_000;

/** Somebody who is suspended now is refused, and stays so. */
async function assertBites(): Promise<{ token: string }> {
  const { merchantId } = hotel;
  const other = await colleague('staff');
  const { access_token: token } = await logIn(platform, other, { merchantId });
  assert.equal((await payments(token)).status, 200);
  const path = `/v1/users/${other.userId}/suspend`;
  const { status, text } = await call(platform, 'POST', path, { apiKey: tokens.access_token });
  assert.equal(status, 200, text);
  const ended = async (): Promise<true | undefined> =>
    (await payments(token)).status === 403 ? true : undefined;
  await waitFor('the suspension to bite', ended, BITES_WITHIN_MS);
  return { token };
}

test('flushed, it is filled again from what is true', async () => {
  await assertWorks();
  const { token } = await assertBites();
  const client = new Redis(redis().url);
  await client.flushall();
  client.disconnect();
  await assertWorks();
  assert.equal((await payments(token)).status, 403);
});

test('hanging, it holds nobody up for good and lets nobody in again', async () => {
  process.kill(redis().pid, 'SIGSTOP');
  let token: string;
  try {
    await assertWorks();
    ({ token } = await assertBites());
  } finally {
    process.kill(redis().pid, 'SIGCONT');
  }
  await assertWorks();
  for (let index = 0; index < 20; index += 1) assert.equal((await payments(token)).status, 403);
});

test('gone, everything goes on without it', async () => {
  const { token } = await assertBites();
  await redis().stop();
  await assertWorks();
  assert.equal((await payments(token)).status, 403);
  await assertBites();
  assert.deepEqual(platform.crashes, []);
});
