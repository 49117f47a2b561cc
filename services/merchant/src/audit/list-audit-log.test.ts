import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { asCaller, connectStripe, newHotel, startTestMerchant } from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';
import { answerFrom, authEvent } from '../testing/auth-history.ts';
import { auditLogPageSchema } from './list-audit-log.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());
beforeEach(() => service.auth.reset());

const SCOPES = ['audit_log:read', 'provider_accounts:write', 'provider_accounts:read'];

function readerOf(merchantId: string): Caller {
  return asCaller(service, { merchantId, scopes: SCOPES });
}

type Entry = { source: string; sequence: number; at: string; action: string } & Record<string, unknown>;

async function listAll(caller: Caller, query = '', limit = 100): Promise<Entry[]> {
  const entries: Entry[] = [];
  let cursor = '';
  do {
    const { body } = await caller.get(`/v1/audit-log?limit=${limit}${query}${cursor}`).expect(200);
    const page = auditLogPageSchema.strict().parse(body);
    assert.ok(page.data.length <= limit);
    assert.equal(page.has_more, page.next_cursor !== null);
    entries.push(...page.data);
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
  } while (cursor !== '');
  return entries;
}

const place = (entry: Entry): string => `${entry.source} ${entry.sequence}`;
const withoutReading = (entries: Entry[]): Entry[] =>
  entries.filter(({ action }) => action !== 'audit_log.read');

/** Four own events, and auth's: before all of them, at the very time of one, between, and after. */
async function mixedHistory(): Promise<{ merchantId: string; caller: Caller; accountId: string }> {
  const merchantId = await newHotel(service);
  const caller = readerOf(merchantId);
  const accountId = await connectStripe(caller);
  await caller.delete(`/v1/provider-accounts/${accountId}`).expect(200);
  const [first, second] = await ownTimes(merchantId);
  assert.ok(first !== undefined && second !== undefined);
  const events = [
    authEvent(1, '2020-01-01T00:00:00.000001Z', { action: 'member.added', before: '', objectId: 'usr_1' }),
    authEvent(2, '2020-01-01T00:00:00.000002Z', { actor: 'api_key:key_1', details: '{"reason": "tidy"}' }),
    authEvent(3, first),
    authEvent(4, second),
    authEvent(5, '2999-01-01T00:00:00.5Z', { before: '', after: '' }),
  ];
  service.auth.answers.listAuditEvents = answerFrom(new Map([[merchantId, events]]));
  return { merchantId, caller, accountId };
}

async function ownTimes(merchantId: string): Promise<string[]> {
  const rows = await service.sql(
    `select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from audit_events
      where merchant_id = $1 order by seq`,
    [merchantId],
  );
  return rows.map((row) => String(row['at']));
}

describe('200', () => {
  test('both services’ entries are one list, newest first; of the same time auth’s is first', async () => {
    const { caller } = await mixedHistory();
    assert.deepEqual(withoutReading(await listAll(caller)).map(place), [
      'auth 5',
      'merchant 4',
      'merchant 3',
      'auth 4',
      'merchant 2',
      'auth 3',
      'merchant 1',
      'auth 2',
      'auth 1',
    ]);
  });

  test('pages of any size show each entry once, also when entries are added in the meantime', async () => {
    const { caller, merchantId } = await mixedHistory();
    await caller.get('/v1/audit-log').expect(200);
    const whole = await listAll(caller);
    for (const limit of [1, 2, 3, 9])
      assert.deepEqual(await listAll(caller, '', limit), whole, String(limit));
    const { body } = await caller.get('/v1/audit-log?limit=4').expect(200);
    await connectStripe(caller);
    const late = authEvent(6, '2999-01-02T00:00:00Z');
    const known = service.auth.answers.listAuditEvents;
    service.auth.answers.listAuditEvents = async (request) => {
      const page = await known(request);
      return request.beforeSequence === 0n ? { ...page, events: [late, ...page.events] } : page;
    };
    const rest = await caller.get(`/v1/audit-log?limit=100&cursor=${body.next_cursor}`).expect(200);
    assert.deepEqual([...body.data, ...rest.body.data], whole);
    assert.equal((await ownTimes(merchantId)).length, 6);
  });

  test('a source that had nothing yet adds nothing to later pages', async () => {
    const merchantId = await newHotel(service);
    const caller = readerOf(merchantId);
    await connectStripe(caller);
    const { body } = await caller.get('/v1/audit-log?limit=1').expect(200);
    const events = [authEvent(1, '2999-01-01T00:00:00Z')];
    service.auth.answers.listAuditEvents = answerFrom(new Map([[merchantId, events]]));
    const rest = await caller.get(`/v1/audit-log?limit=100&cursor=${body.next_cursor}`).expect(200);
    assert.deepEqual(rest.body.data.map(place), ['merchant 2', 'merchant 1']);
  });

  test('an entry says who, from where, in which request, and what before and after', async () => {
    const { caller, accountId } = await mixedHistory();
    const entries = await listAll(caller);
    const deleted = entries.find(({ action }) => action === 'provider_account.deleted');
    assert.ok(deleted !== undefined);
    const { actor, address, object_id, before: was, after: is } = deleted;
    assert.deepEqual(
      [actor, address, object_id],
      ['api_key:key_01jd0000000000000000000000', '203.0.113.7', accountId],
    );
    assert.match(String(deleted['request_id']), /^req_/);
    assert.match(JSON.stringify([was, is]), /"status":"active".*"status":"deleted"/);
    assert.match(String(deleted['hash']), /^[0-9a-f]{64}$/);
    const second = entries.find((entry) => place(entry) === 'auth 2');
    assert.deepEqual(second?.['details'], { reason: 'tidy' });
    assert.deepEqual(second?.['before'], { name: 'Desk' });
  });

  test('each filter is exact and holds for both services', async () => {
    const { caller, accountId } = await mixedHistory();
    const cases: [query: string, places: string[]][] = [
      ['&action=member.added', ['auth 1']],
      ['&action=member', []],
      ['&action=provider_account.deleted', ['merchant 4']],
      ['&actor=api_key:key_1', ['auth 2']],
      ['&object_id=usr_1', ['auth 1']],
      [`&object_id=${accountId}`, ['merchant 4', 'merchant 3']],
      ['&from=2999-01-01T00:00:00Z', ['auth 5']],
      ['&to=2020-01-02T00:00:00%2B05:00', ['auth 2', 'auth 1']],
      ['&from=2020-01-01T00:00:00Z&to=2020-01-01T00:00:00.001Z&actor=api_key:key_1', ['auth 2']],
    ];
    for (const [query, places] of cases)
      assert.deepEqual((await listAll(caller, query, 1)).map(place), places, query);
  });

  test('a hotel sees its own history only', async () => {
    const { merchantId } = await mixedHistory();
    const other = readerOf(await newHotel(service));
    assert.deepEqual((await listAll(other)).map(place), ['merchant 1']);
    const asked = service.auth.asked.listAuditEvents.map((each) => each.merchantId);
    assert.ok(!asked.includes(merchantId));
  });

  test('that somebody looked is written down once an hour for each of them', async () => {
    const merchantId = await newHotel(service);
    const [one, other] = ['api_key:key_1', 'user:usr_2'].map((actor) =>
      asCaller(service, { merchantId, actor, scopes: SCOPES }),
    );
    assert.ok(one !== undefined && other !== undefined);
    for (const caller of [one, other, one, other]) await caller.get('/v1/audit-log').expect(200);
    const looks = await service.sql(
      `select actor from audit_events where merchant_id = $1 and action = 'audit_log.read' order by seq`,
      [merchantId],
    );
    assert.deepEqual(looks, [{ actor: 'api_key:key_1' }, { actor: 'user:usr_2' }]);
  });
});

describe('400', () => {
  test('what is no filter, no number, no time and no cursor', async () => {
    const caller = readerOf(await newHotel(service));
    const cases: [query: string, field: string][] = [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=1000000', 'limit'],
      ['page=2', 'page'],
      ['action=', 'action'],
      ['action=a&action=b', 'action'],
      [`actor=${'a'.repeat(201)}`, 'actor'],
      ['from=yesterday', 'from'],
      ['from=2026-01-01', 'from'],
      ['to=2026-13-01T00:00:00Z', 'to'],
      ['to=0000-01-01T00:00:00Z', 'to'],
      ['to=9999-12-31T23:59:59-12:00', 'to'],
      ['from=2026-02-01T00:00:00Z&to=2026-02-01T00:00:00Z', 'from'],
      ['cursor=', 'cursor'],
      ['cursor=abc', 'cursor'],
      [`cursor=${Buffer.from('["x",0,0]').toString('base64url')}`, 'cursor'],
      [`cursor=${Buffer.from('["x",1,1e300]').toString('base64url')}`, 'cursor'],
      [`cursor=${'a'.repeat(129)}`, 'cursor'],
    ];
    for (const [query, field] of cases) {
      const { body } = await caller.get(`/v1/audit-log?${query}`).expect(400);
      assert.deepEqual([body.code, body.errors[0].field], ['validation_failed', field], query);
    }
  });

  test('a cursor of another list: other filters, another hotel', async () => {
    const { caller } = await mixedHistory();
    const { body } = await caller.get('/v1/audit-log?limit=2').expect(200);
    const other = readerOf(await newHotel(service));
    await caller.get(`/v1/audit-log?limit=7&cursor=${body.next_cursor}`).expect(200);
    await caller.get(`/v1/audit-log?cursor=${body.next_cursor}&action=role.updated`).expect(400);
    await other.get(`/v1/audit-log?cursor=${body.next_cursor}`).expect(400);
  });
});

test('401 without an identity, 403 without the permission, which is written down itself', async () => {
  await fetch(`http://127.0.0.1:${service.service.httpPort}/v1/audit-log`).then(async (answer) => {
    assert.equal(answer.status, 401);
    await answer.body?.cancel();
  });
  const merchantId = await newHotel(service);
  const blind = asCaller(service, { merchantId, scopes: ['provider_accounts:write'] });
  const { body } = await blind.get('/v1/audit-log').expect(403);
  assert.equal(body.required_scope, 'audit_log:read');
  const [denied] = await listAll(readerOf(merchantId));
  assert.deepEqual([denied?.action, denied?.['object_id']], ['access.denied', '/v1/audit-log']);
});

describe('503, never half a list', () => {
  const failures: [why: string, answer: () => Promise<never>][] = [
    ['auth refuses', () => Promise.reject(new AppError('forbidden'))],
    ['auth fails', () => Promise.reject(new Error('a bug'))],
    ['auth’s database is away', () => Promise.reject(new AppError('unavailable'))],
    ['auth does not answer', () => new Promise(() => {})],
  ];
  for (const [why, answer] of failures)
    test(why, async () => {
      const { caller } = await mixedHistory();
      service.auth.answers.listAuditEvents = answer;
      const refused = await caller.get('/v1/audit-log').expect(503);
      assert.equal(refused.body.code, 'unavailable');
      assert.ok(Number(refused.headers['retry-after']) >= 1);
      assert.equal(refused.body.data, undefined);
    });

  test('auth is not there', async () => {
    const merchantId = await newHotel(service);
    const replica = await service.startReplica({ authAddress: '127.0.0.1:1' });
    try {
      const identity = { merchantId, mode: 'test', actor: 'api_key:key_1', scopes: SCOPES } as const;
      const token = service.signer('api-gateway').identityToken('merchant', identity);
      const url = `http://127.0.0.1:${replica.httpPort}/v1/audit-log`;
      const answer = await fetch(url, { headers: { 'x-centra-identity': token } });
      assert.equal(answer.status, 503);
      await answer.body?.cancel();
    } finally {
      await replica.close();
    }
  });
});
