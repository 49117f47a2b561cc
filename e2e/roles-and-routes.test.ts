import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { addColleague, logIn, registerPerson } from '@centra/dev/people.ts';
import { createApiKey } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { createHotel } from '@centra/dev/seed.ts';
import { z } from 'zod';
import { NO_LIMITS } from './no-limits.ts';
import { readDescription } from './openapi/description.ts';
import { call, startPlatformUnderTest } from './platform-under-test.ts';
import type { Answer, PlatformUnderTest } from './platform-under-test.ts';
import { KEY_PERMISSIONS, PEOPLE_PERMISSIONS, ROLES, RULES } from './route-rules.ts';
import type { Permission, Rule } from './route-rules.ts';

// Every kind of caller at every route of the public door (security row 27): 401, 403, or something else, which is allowed.

type Actor = {
  name: string;
  kind: 'member' | 'stranger' | 'api key' | 'client secret' | 'nobody';
  may: readonly Permission[];
  /** Undefined for nobody. */
  credential: string | undefined;
};

let platform: PlatformUnderTest;
let hotel: Hotel;
let payment: string;
const actors: Actor[] = [];

before(async () => {
  platform = await startPlatformUnderTest({ env: NO_LIMITS });
  hotel = await createHotel(platform, { name: 'Riad Roles', provider: 'simulator' });
  payment = await createPayment();
  await addMembers();
  await addStranger();
  for (const scope of [...KEY_PERMISSIONS, undefined]) await addKey(scope);
  actors.push({ name: 'a client secret', kind: 'client secret', may: [], credential: await clientSecret() });
  actors.push({ name: 'nobody', kind: 'nobody', may: [], credential: undefined });
});
after(async () => await platform.end());

test('the rules name every route of the OpenAPI document, and no other', () => {
  assert.deepEqual(
    Object.keys(RULES).toSorted(),
    readDescription()
      .operations.map(({ name }) => name)
      .toSorted(),
  );
});

test('every role, key and guest may do what the table says, and nothing else', async (t) => {
  const wrong: string[] = [];
  const seen = { allowed: 0, unauthenticated: 0, forbidden: 0 };
  await forEachAtOnce(actors, async (actor) => {
    for (const [route, rule] of Object.entries(RULES)) {
      const answer = await ask(actor, route, rule);
      const expected = expectedOf(actor, rule);
      const found = verdictOf(answer);
      seen[found] += 1;
      if (found !== expected || answer.status >= 500)
        wrong.push(
          `${actor.name}: ${route} is ${answer.status} ${answer.text.slice(0, 200)} instead of ${expected}`,
        );
    }
  });
  t.diagnostic(`${actors.length} callers at ${Object.keys(RULES).length} routes: ${JSON.stringify(seen)}`);
  assert.deepEqual(wrong, []);
  for (const count of Object.values(seen)) assert.ok(count > 100);
  assert.deepEqual(platform.crashes, []);
});

type Verdict = 'allowed' | 'unauthenticated' | 'forbidden';

function expectedOf({ kind, may }: Actor, rule: Rule): Verdict {
  const isPerson = kind === 'member' || kind === 'stranger';
  switch (rule) {
    case 'anyone':
      return 'allowed';
    case 'guest':
      return kind === 'client secret' ? 'allowed' : 'unauthenticated';
    case 'person':
      return isPerson ? 'allowed' : 'unauthenticated';
    default:
      if (kind === 'client secret' || kind === 'nobody') return 'unauthenticated';
      // Not a matter of scopes: no key is let in at all.
      if (kind === 'api key' && PEOPLE_PERMISSIONS.includes(rule)) return 'unauthenticated';
      return may.includes(rule) ? 'allowed' : 'forbidden';
  }
}

function verdictOf({ status }: Answer): Verdict {
  if (status === 401) return 'unauthenticated';
  return status === 403 ? 'forbidden' : 'allowed';
}

/** Asks for what does not exist, so that nothing comes of what is allowed. */
async function ask({ credential }: Actor, route: string, rule: Rule): Promise<Answer> {
  const [method = '', template = ''] = route.split(' ');
  const path = template.replaceAll(/\{\w+\}/g, rule === 'guest' ? payment : 'pay_01jd0000000000000000000000');
  return await call(platform, toMethod(method), path, {
    ...(credential === undefined ? {} : { apiKey: credential }),
    headers: { 'idempotency-key': randomUUID() },
    ...(method === 'POST' && !BODILESS.test(route) ? { body: '{}' } : {}),
  });
}

const BODILESS = /client-secret|suspend|restore|logout|submit|resend|webhook-endpoints\/\{id\}\/test/;

function toMethod(method: string): 'GET' | 'POST' | 'DELETE' {
  if (method !== 'GET' && method !== 'POST' && method !== 'DELETE') throw new Error(`${method} is not ours`);
  return method;
}

// More would only wait for each other on two cores.
const AT_ONCE = 6;

async function forEachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const next = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

/** One of each built-in role, and one of a role of the hotel's own for each permission. */
async function addMembers(): Promise<void> {
  const owner = await addMember('owner', 'owner', ROLES['owner'] ?? []);
  await forEachAtOnce(
    Object.entries(ROLES).filter(([role]) => role !== 'owner'),
    async ([role, may]) => void (await addMember(role, role, may)),
  );
  await forEachAtOnce([...KEY_PERMISSIONS, ...PEOPLE_PERMISSIONS], async (permission) => {
    const answer = await call(platform, 'POST', '/v1/roles', {
      apiKey: owner,
      body: JSON.stringify({ name: `Only ${permission.replace(':', ' ')}`, permissions: [permission] }),
    });
    assert.equal(answer.status, 201, answer.text);
    const { id } = z.object({ id: z.string().startsWith('rol_') }).parse(answer.json);
    await addMember(`a role with ${permission}`, id, [permission]);
  });
}

async function addMember(name: string, role: string, may: readonly Permission[]): Promise<string> {
  const email = `${randomUUID()}@roles.example`;
  const { merchantId } = hotel;
  const person = await addColleague(platform, merchantId, { email, name: 'Ana Roles', role });
  const { access_token: credential } = await logIn(platform, person, { merchantId });
  actors.push({ name, kind: 'member', may, credential });
  return credential;
}

/** Somebody with an account and no hotel. */
async function addStranger(): Promise<void> {
  const person = await registerPerson(platform, { email: `${randomUUID()}@roles.example`, name: 'Nobody’s' });
  const { access_token: credential } = await logIn(platform, person);
  actors.push({ name: 'a person without a hotel', kind: 'stranger', may: [], credential });
}

async function addKey(scope: Permission | undefined): Promise<void> {
  const may = scope === undefined ? KEY_PERMISSIONS : [scope];
  const credential = await createApiKey(platform, hotel.merchantId, { scopes: may });
  actors.push({ name: `a key with ${may.join(' ')}`, kind: 'api key', may, credential });
}

async function createPayment(): Promise<string> {
  const answer = await call(platform, 'POST', '/v1/payments', {
    apiKey: hotel.apiKey,
    headers: { 'idempotency-key': randomUUID() },
    body: JSON.stringify({ amount: 12_550, currency: 'EUR', booking_reference: 'BK-ROLES' }),
  });
  return z.object({ id: z.string() }).parse(answer.json).id;
}

async function clientSecret(): Promise<string> {
  const path = `/v1/payments/${payment}/client-secret`;
  const answer = await call(platform, 'POST', path, { apiKey: hotel.apiKey });
  return z.object({ client_secret: z.string() }).parse(answer.json).client_secret;
}
