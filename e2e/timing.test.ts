import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { registerPerson } from '@centra/dev/people.ts';
import type { Person } from '@centra/dev/people.ts';
import { createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import { NO_LIMITS } from './no-limits.ts';
import { call, startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

// Security row 20: the time of a refusal does not tell whether the account or the key exists. Both kinds are asked in turns in
// a random order, so that whatever else the machine does falls on both; TIMING_TRIES=1000 is the full measurement.

const TRIES = Number(process.env['TIMING_TRIES'] ?? 60);

let platform: PlatformUnderTest;
let hotel: Hotel;
/** As many as there are tries: an account is locked after a few wrong passwords. */
let people: Person[];

before(async () => {
  platform = await startPlatformUnderTest({ env: NO_LIMITS });
  hotel = await createHotel(platform, { name: 'Riad Timing', provider: 'simulator' });
  people = [];
  for (let index = 0; index < Math.ceil(TRIES / TRIES_EACH); index += 1)
    people.push(await registerPerson(platform, { email: `${randomUUID()}@timing.example`, name: 'Ana' }));
});
after(async () => await platform.end());

// One less than locks.
const TRIES_EACH = 3;

/** Milliseconds that a refusal took; NaN for a 429, which says nothing about what was looked at. */
async function timeLogin(email: string): Promise<number> {
  const body = JSON.stringify({ email, password: 'a wrong but long password' });
  const startedAt = performance.now();
  const { status } = await call(platform, 'POST', '/v1/auth/login', { body });
  return status === 401 ? performance.now() - startedAt : Number.NaN;
}

async function timeKey(apiKey: string): Promise<number> {
  const startedAt = performance.now();
  const { status } = await call(platform, 'GET', '/v1/payments?limit=1', { apiKey });
  return status === 401 ? performance.now() - startedAt : Number.NaN;
}

// Another one each time, so that no cache of refusals answers.
function otherEnd(key: string): string {
  return `${key.slice(0, -12)}${randomUUID().replaceAll('-', '').slice(0, 12)}`;
}

function otherId(key: string): string {
  const id = randomUUID().replaceAll('-', '').slice(0, 10);
  return key.replace(/^(ck_test_)(.{10})/, (_all, mode: string) => `${mode}${id}`);
}

type Try = (index: number) => Promise<number>;

test('a refused log-in takes as long for an account that is none as for a wrong password', async (t) => {
  await assertAlike(
    (index) => timeLogin(people[index % people.length]?.email ?? ''),
    () => timeLogin(`${randomUUID()}@timing.example`),
    (line) => t.diagnostic(line),
  );
});

test('a refused key takes as long for an unknown id as for a wrong secret', async (t) => {
  await assertAlike(
    () => timeKey(otherEnd(hotel.apiKey)),
    () => timeKey(otherId(otherEnd(hotel.apiKey))),
    (line) => t.diagnostic(line),
  );
});

/**
 * Compares two kinds of tries. What counts as alike comes from the run itself: how far the medians of random halves of all tries
 * are apart, and where chance would put the ranks of one kind.
 */
async function assertAlike(one: Try, other: Try, say: (line: string) => void): Promise<void> {
  const random = seeded(20_261_121);
  const times: Record<'one' | 'other', number[]> = { one: [], other: [] };
  const left = { one: TRIES, other: TRIES };
  while (left.one + left.other > 0) {
    const kind = random.chance(left.one / (left.one + left.other)) ? 'one' : 'other';
    left[kind] -= 1;
    const time = await (kind === 'one' ? one : other)(left[kind]);
    if (!Number.isNaN(time)) times[kind].push(time);
  }
  const enough = TRIES / 2;
  assert.ok(
    times.one.length > enough && times.other.length > enough,
    `${times.one.length} and ${times.other.length} were refused with 401`,
  );
  const medians = { one: median(times.one), other: median(times.other) };
  const difference = Math.abs(medians.one - medians.other);
  const noise = splitNoise([...times.one, ...times.other], random);
  const z = rankZ(times.one, times.other);
  say(
    `${times.one.length} and ${times.other.length} tries: medians ${medians.one.toFixed(2)} and ${medians.other.toFixed(2)} ms, ` +
      `noise of split halves ${noise.toFixed(2)} ms, rank z ${z.toFixed(2)}`,
  );
  // Beyond both, it is no chance: a run in a hundred thousand by ranks, and more than any split of the same tries shows.
  const isTold = Math.abs(z) > RANK_Z_MAX && difference > noise;
  assert.ok(!isTold, `the medians differ by ${difference.toFixed(2)} ms, rank z ${z.toFixed(2)}`);
}

const RANK_Z_MAX = 4.4;
const SPLITS = 200;

/** The largest difference between the medians of random halves of all tries, whatever kind they are. */
function splitNoise(times: readonly number[], random: ReturnType<typeof seeded>): number {
  let largest = 0;
  for (let split = 0; split < SPLITS; split += 1) {
    const halves: [number[], number[]] = [[], []];
    for (const time of times) halves[random.chance(0.5) ? 0 : 1].push(time);
    largest = Math.max(largest, Math.abs(median(halves[0]) - median(halves[1])));
  }
  return largest;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

/** Mann-Whitney: how many standard deviations the ranks of one kind are from where chance puts them. */
function rankZ(one: readonly number[], other: readonly number[]): number {
  const all = [
    ...one.map((time) => ({ time, isOne: true })),
    ...other.map((time) => ({ time, isOne: false })),
  ];
  const ranks = all.toSorted((a, b) => a.time - b.time);
  const sum = ranks.reduce((total, { isOne }, index) => total + (isOne ? index + 1 : 0), 0);
  const [n, m] = [one.length, other.length];
  return (sum - (n * (n + m + 1)) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
}
