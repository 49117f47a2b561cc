import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import request from 'supertest';
import { asCaller, createFirstKey, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { addMember } from '../testing-members.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const BODY = { name: 'Key', scopes: ['payments:read'] };

test('pages hold every key once, newest first, and no secret', async () => {
  const merchantId = newUuid();
  const caller = asCaller(service, { merchantId });
  const made: string[] = [];
  for (let count = 0; count < 5; count += 1)
    made.unshift((await caller.post('/v1/api-keys').send(BODY)).body.id);
  const seen: string[] = [];
  let cursor: string | null = null;
  let pages = 0;
  do {
    const query: Record<string, string> = cursor === null ? { limit: '2' } : { limit: '2', cursor };
    const { status, body, text } = await caller.get('/v1/api-keys').query(query);
    assert.equal(status, 200);
    assert.ok(!text.includes('secret') && !text.includes('hash') && !text.includes('ck_test'));
    seen.push(...body.data.map((key: { id: string }) => key.id));
    assert.equal(body.has_more, body.next_cursor !== null);
    cursor = body.next_cursor;
    pages += 1;
  } while (cursor !== null);
  assert.equal(pages, 3);
  assert.deepEqual(seen, made);
});

test("another merchant's keys are in no page, not even with the cursor of their list", async () => {
  const [ours, theirs] = [newUuid(), newUuid()];
  const us = asCaller(service, { merchantId: ours });
  const them = asCaller(service, { merchantId: theirs });
  const own = (await us.post('/v1/api-keys').send(BODY)).body.id;
  for (let count = 0; count < 3; count += 1) await them.post('/v1/api-keys').send(BODY);
  const theirCursor = (await them.get('/v1/api-keys?limit=1')).body.next_cursor;
  const all = await us.get('/v1/api-keys');
  assert.deepEqual(
    all.body.data.map((key: { id: string }) => key.id),
    [own],
  );
  const beyond = await us.get('/v1/api-keys').query({ cursor: theirCursor });
  assert.equal(beyond.status, 200);
  assert.deepEqual(
    beyond.body.data.map((key: { id: string }) => key.id),
    [own],
  );
});

test('a test key sees test keys only, a live key both', async () => {
  const merchantId = newUuid();
  const live = asCaller(service, { merchantId, mode: 'live' });
  await live.post('/v1/api-keys').send({ ...BODY, mode: 'live' });
  await live.post('/v1/api-keys').send({ ...BODY, mode: 'test' });
  const modes = async (caller: typeof live): Promise<string[]> =>
    (await caller.get('/v1/api-keys')).body.data.map((key: { mode: string }) => key.mode).toSorted();
  assert.deepEqual(await modes(live), ['live', 'test']);
  assert.deepEqual(await modes(asCaller(service, { merchantId, mode: 'test' })), ['test']);
});

const read = async (merchantId: string | undefined, columns = 'merchant_id'): Promise<unknown[]> => {
  await service.sql('begin');
  try {
    if (merchantId !== undefined)
      await service.sql(`select set_config('centra.merchant_id', $1, true)`, [merchantId]);
    await service.sql('set local role auth_reader');
    return await service.sql(`select ${columns} from api_keys`);
  } finally {
    await service.sql('rollback');
  }
};

const READABLE = [
  'members',
  'roles',
  'merchant_access',
  'users',
  'factors',
  'api_key_usage',
  'invitations',
  'audit_events',
];

describe('row level security', () => {
  test('the reading role sees one merchant, or nothing when none is named, also after another transaction named one', async () => {
    const first = await createFirstKey(service);
    await createFirstKey(service);
    assert.deepEqual(await read(undefined), []);
    assert.deepEqual(await read(first.merchantId), [{ merchant_id: first.merchantId }]);
    assert.deepEqual(await read(undefined), []);
  });

  test('the reading role may not see a hash or a sealed secret, write anything, or look into the other tables', async () => {
    const { merchantId } = await createFirstKey(service);
    await assert.rejects(read(merchantId, 'secret_hash'), { code: '42501' });
    for (const statement of [
      `update api_keys set name = 'x'`,
      'delete from api_keys',
      'delete from members',
      `update members set built_in_role = 'owner'`,
      'delete from roles',
      'update merchant_access set suspended_at = null',
      'select password_hash from users',
      'select email_key from users',
      'select sealed_secret from factors',
      'delete from audit_events',
      `update audit_events set actor = 'nobody'`,
      'delete from invitations',
      'select secret_hash from invitations',
      'select email_key from invitations',
      'select from invitation_mails',
      'select from user_events',
      'select from email_tokens',
      'select from login_guards',
      'select from refresh_tokens',
      'select from recovery_codes',
      'select from signing_keys',
      'select from usage_reports',
    ]) {
      await service.sql('begin');
      await service.sql('set local role auth_reader');
      await assert.rejects(service.sql(statement), { code: '42501' }, statement);
      await service.sql('rollback');
    }
  });

  test('nor does it see people, roles, settings, factors, usage, invitations or the trail of anybody unless a hotel or person is named', async () => {
    const { merchantId } = await createFirstKey(service);
    const role = newUuid();
    await service.sql(
      `insert into roles (merchant_id, id, name, permissions) values ($1, $2, 'Desk', '{payments:read}')`,
      [merchantId, role],
    );
    const person = await addMember(service, merchantId, toPublicId('rol', role));
    const userId = fromPublicId('usr', person.userId);
    await service.sql(
      `insert into factors (user_id, id, kind, name, sealed_secret) values ($1, gen_random_uuid(), 'totp', 'Phone', 'x')`,
      [userId],
    );
    await service.sql(`insert into merchant_access (merchant_id) values ($1)`, [merchantId]);
    await service.sql(
      `insert into api_key_usage (merchant_id, api_key_id, day, requests) select merchant_id, id, '2026-01-01', 1
       from api_keys where merchant_id = $1`,
      [merchantId],
    );
    await service.sql(
      `insert into invitations (merchant_id, id, email, email_key, locale, built_in_role, role_name, merchant_name,
         invited_by, expires_at)
       values ($1, gen_random_uuid(), 'a@h.example', 'a@h.example', 'en', 'staff', 'Staff', 'Riad', $2, now() + interval '1 day')`,
      [merchantId, userId],
    );
    const stranger = await addMember(service, newUuid(), 'owner');
    const counts = async (variable: string, value: string | undefined): Promise<number[]> => {
      await service.sql('begin');
      try {
        await service.sql('select set_config($1, $2, true)', [variable, value ?? '']);
        await service.sql('set local role auth_reader');
        const found: number[] = [];
        for (const table of READABLE) found.push((await service.sql(`select from ${table}`)).length);
        return found;
      } finally {
        await service.sql('rollback');
      }
    };
    // The trail holds the key that was made and the member who was added.
    assert.deepEqual(await counts('centra.merchant_id', merchantId), [1, 1, 1, 1, 1, 1, 1, 2]);
    assert.deepEqual(await counts('centra.user_id', userId), [1, 1, 1, 1, 1, 0, 0, 0]);
    assert.deepEqual(
      await counts('centra.user_id', fromPublicId('usr', stranger.userId)),
      [1, 0, 0, 1, 0, 0, 0, 0],
    );
    for (const value of [newUuid(), undefined])
      assert.deepEqual(await counts('centra.merchant_id', value), [0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('lists and reads run as that role: without its grant they fail, and creating does not', async () => {
    const own = await startTestAuth();
    try {
      const caller = asCaller(own, { merchantId: newUuid() });
      const { id } = (await caller.post('/v1/api-keys').send(BODY)).body;
      assert.equal((await caller.get('/v1/api-keys')).status, 200);
      await own.sql('revoke select on api_keys from auth_reader');
      const answers = [await caller.get('/v1/api-keys'), await caller.get(`/v1/api-keys/${id}`)];
      for (const answer of answers) {
        assert.equal(answer.status, 500);
        assert.ok(!/api_keys|permission|auth_reader/.test(answer.text), 'and says nothing of why');
      }
      assert.equal((await caller.post('/v1/api-keys').send(BODY)).status, 201);
    } finally {
      await own.close();
    }
  });
});

describe('400', () => {
  for (const query of [
    'limit=0',
    'limit=101',
    'limit=x',
    'limit=1&limit=2',
    'cursor=nonsense',
    'cursor=',
    'merchant_id=x',
  ])
    test(`?${query}`, async () => {
      const answer = await asCaller(service, { merchantId: newUuid() }).get(`/v1/api-keys?${query}`);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.errors[0].field, query.split('=')[0]);
    });
});

test('401 without identity, 403 without the scope', async () => {
  assert.equal((await request(service.auth.httpUrl).get('/v1/api-keys')).status, 401);
  const answer = await asCaller(service, { merchantId: newUuid(), scopes: ['api_keys:write'] }).get(
    '/v1/api-keys',
  );
  assert.equal(answer.status, 403);
  assert.equal(answer.body.required_scope, 'api_keys:read');
});
