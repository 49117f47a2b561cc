import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { addColleague, logIn } from '@centra/dev/people.ts';
import { createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { Client } from 'pg';
import { z } from 'zod';
import { NO_LIMITS } from './no-limits.ts';
import { call, startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

// The history of a hotel over both services, through the public door, and checked from what the door gave alone.

let platform: PlatformUnderTest;
let hotel: Hotel;
let token: string;
/** Only for its SQL: no table of the platform is read. */
let anyPostgres: Client;

before(async () => {
  platform = await startPlatformUnderTest({ env: NO_LIMITS });
  hotel = await createHotel(platform, { name: 'Riad History', provider: 'simulator' });
  const email = 'owner@history.example';
  const person = await addColleague(platform, hotel.merchantId, { email, name: 'Ana Émir', role: 'owner' });
  token = (await logIn(platform, person, { merchantId: hotel.merchantId })).access_token;
  await busyMorning();
  const url = new URL(platform.databaseUrls['merchant'] ?? '');
  url.username = 'postgres';
  anyPostgres = new Client({ connectionString: url.href });
  await anyPostgres.connect();
});
after(async () => {
  await anyPostgres.end();
  await platform.end();
});

async function change(path: string, body: object): Promise<string> {
  const answer = await call(platform, 'POST', path, { apiKey: token, body: JSON.stringify(body) });
  assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.text}`);
  return z.looseObject({ id: z.string() }).parse(answer.json).id;
}

/** Changes at both services, with text that is not ASCII. */
async function busyMorning(): Promise<void> {
  const role = await change('/v1/roles', { name: 'Réception « nuit »', permissions: ['payments:read'] });
  await change(`/v1/roles/${role}`, { name: 'Réception "nuit", \\ 夜' });
  await change('/v1/api-keys', { name: 'Key', scopes: ['payments:read'] });
  const simulated = { provider: 'simulator', mode: 'test', credentials: {} };
  const account = await change('/v1/provider-accounts', simulated);
  await change(`/v1/provider-accounts/${account}`, { name: 'Hôtel' });
  const conditions = { currencies: ['CHF'] };
  await change('/v1/routing-rules', {
    mode: 'test',
    name: 'Francs',
    conditions,
    provider_accounts: [account],
  });
  await change('/v1/api-keys', { name: 'Second', scopes: ['payments:read'] });
}

const entrySchema = z.looseObject({
  source: z.enum(['auth', 'merchant']),
  sequence: z.int(),
  at: z.string(),
  action: z.string(),
});
type Entry = z.infer<typeof entrySchema>;

async function exported(): Promise<Entry[]> {
  const { status, text } = await call(platform, 'GET', '/v1/audit-log/export', { apiKey: token });
  assert.equal(status, 200, text);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => entrySchema.parse(JSON.parse(line)));
}

const DOCUMENT = new URL('../docs/audit-log.md', import.meta.url);

/** What the documented statement finds wrong. */
async function wrongIn(entries: readonly object[]): Promise<unknown[]> {
  const [, statement = ''] = /```sql\n([^`]*)```/.exec(readFileSync(DOCUMENT, 'utf8')) ?? [];
  assert.ok(statement.includes(':hotel'));
  await anyPostgres.query('create temporary table if not exists lines (entry jsonb)');
  await anyPostgres.query('truncate lines');
  for (const entry of entries)
    await anyPostgres.query('insert into lines values ($1::jsonb)', [JSON.stringify(entry)]);
  const { rows } = await anyPostgres.query(statement.replaceAll(':hotel', `'${hotel.merchantId}'`));
  return rows;
}

test('the log shows what both services changed, newest first', async () => {
  const { status, json } = await call(platform, 'GET', '/v1/audit-log?limit=100', { apiKey: token });
  assert.equal(status, 200);
  const { data } = z.object({ data: z.array(entrySchema) }).parse(json);
  const actions = new Set(data.map(({ action }) => action));
  for (const action of ['role.created', 'role.updated', 'api_key.created', 'member.added'])
    assert.ok(actions.has(action), `${action} of auth`);
  for (const action of ['provider_account.created', 'provider_account.updated', 'routing_rule.created'])
    assert.ok(actions.has(action), `${action} of merchant`);
  const times = data.map(({ at }) => at);
  assert.deepEqual(times, times.toSorted().toReversed());
  const access = await call(platform, 'GET', '/v1/audit-log?action=role.created', { apiKey: hotel.apiKey });
  assert.equal(access.status, 200, 'a key with the scope may read it too');
});

test('an export holds both chains whole, from the first entry on', async () => {
  const entries = await exported();
  for (const source of ['auth', 'merchant']) {
    const numbers = entries.filter((entry) => entry.source === source).map(({ sequence }) => sequence);
    assert.ok(numbers.length >= 5, source);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => numbers.length - index),
      source,
    );
  }
});

test('by the export alone, with the documented statement, the chains hold, and whatever is altered is found', async () => {
  const entries = await exported();
  assert.deepEqual(await wrongIn(entries), []);
  for (const source of ['auth', 'merchant']) {
    const own = entries.filter((entry) => entry.source === source);
    const middle = own[Math.floor(own.length / 2)];
    assert.ok(middle !== undefined);
    const altered = (to: object): object[] =>
      entries.map((entry) => (entry === middle ? { ...entry, ...to } : entry));
    const found = [{ source, sequence: String(middle.sequence), wrong: 'altered' }];
    const oneByte = String(middle['actor']).replace(/.$/, (letter) => (letter === 'x' ? 'y' : 'x'));
    assert.deepEqual(await wrongIn(altered({ actor: oneByte })), found);
    assert.deepEqual(await wrongIn(altered({ after: { forged: true } })), found);
    assert.deepEqual(
      await wrongIn(altered({ at: middle.at.replace(/\d(?=Z$)/, (digit) => (digit === '0' ? '1' : '0')) })),
      found,
    );
    const without = await wrongIn(entries.filter((entry) => entry !== middle));
    assert.deepEqual(without, [
      { source, sequence: String(middle.sequence + 1), wrong: 'does not follow the one before' },
    ]);
  }
});

test('without auth there is no list and no file', async () => {
  await platform.child('auth').stop();
  for (const path of ['/v1/audit-log', '/v1/audit-log/export']) {
    const { status, json } = await call(platform, 'GET', path, { apiKey: token });
    assert.equal(status, 503);
    assert.equal(z.object({ code: z.string() }).parse(json).code, 'unavailable');
  }
});
