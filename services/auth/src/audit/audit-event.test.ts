import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { newUuid } from '@centra/service-kit/ids.ts';
import { asCaller, createFirstKey, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

/** The places where a merchant's chain does not hold. */
const brokenAt = (merchantId: string): Promise<Record<string, unknown>[]> =>
  service.sql(
    `select sequence::int as sequence from (
       select e, e.sequence, e.hash, e.previous_hash, row_number() over (order by e.sequence) as place,
         coalesce(lag(e.hash) over (order by e.sequence), '') as hash_before
       from audit_events as e where merchant_id = $1) as chain
     where sequence <> place or previous_hash <> hash_before or hash <> audit_event_hash(e) order by sequence`,
    [merchantId],
  );

test('neither the service nor the superuser changes, removes or empties the audit trail', async () => {
  await createFirstKey(service);
  const own = new Client({ connectionString: service.database.url });
  await own.connect();
  const statements = [
    `update audit_events set actor = 'nobody'`,
    'delete from audit_events',
    'truncate audit_events',
  ];
  const trail = await service.sql('select * from audit_events order by id');
  assert.ok(trail.length > 0);
  try {
    for (const statement of statements) {
      await assert.rejects(own.query(statement), { code: '42501', message: /permission denied/ }, statement);
      await assert.rejects(service.sql(statement), { code: '42501' }, statement);
    }
  } finally {
    await own.end();
  }
  assert.deepEqual(await service.sql('select * from audit_events order by id'), trail);
});

test('events of a merchant form one unbroken chain, also when written at once', async () => {
  const { merchantId } = await createFirstKey(service);
  const caller = asCaller(service, { merchantId });
  const body = { name: 'Key', scopes: ['payments:read'] };
  const made = await Promise.all(Array.from({ length: 8 }, () => caller.post('/v1/api-keys').send(body)));
  await Promise.all(made.map((answer) => caller.delete(`/v1/api-keys/${answer.body.id}`).expect(200)));
  const events = await service.sql(
    'select sequence::int as sequence from audit_events where merchant_id = $1 order by 1',
    [merchantId],
  );
  assert.deepEqual(
    events,
    Array.from({ length: 17 }, (_, index) => ({ sequence: index + 1 })),
  );
  assert.deepEqual(await brokenAt(merchantId), []);
});

test('one altered or removed event is found', async () => {
  const { merchantId } = await createFirstKey(service);
  const caller = asCaller(service, { merchantId });
  for (let count = 0; count < 3; count += 1)
    await caller
      .post('/v1/api-keys')
      .send({ name: 'Key', scopes: ['payments:read'] })
      .expect(201);
  assert.deepEqual(await brokenAt(merchantId), []);
  // Past every guard, as somebody with the disk in hand.
  const tamper = async (statement: string): Promise<unknown[]> => {
    await service.sql('begin');
    try {
      await service.sql('set local session_replication_role = replica');
      await service.sql(statement, [merchantId]);
      return await brokenAt(merchantId);
    } finally {
      await service.sql('rollback');
    }
  };
  assert.deepEqual(
    await tamper(`update audit_events set actor = 'nobody' where merchant_id = $1 and sequence = 2`),
    [{ sequence: 2 }],
  );
  assert.deepEqual(await tamper('delete from audit_events where merchant_id = $1 and sequence = 2'), [
    { sequence: 3 },
    { sequence: 4 },
  ]);
});

test('the chain can be checked outside the database', async () => {
  const { merchantId } = await createFirstKey(service);
  const [event] = await service.sql(
    `select hash, jsonb_build_array(merchant_id, id, sequence, extract(epoch from at), actor, action, object_id,
       request_id, address, details, '')::text as text from audit_events where merchant_id = $1`,
    [merchantId],
  );
  const hash = createHash('sha256').update(String(event?.['text'])).digest();
  assert.deepEqual(hash, event?.['hash']);
});

test('a failed audit event undoes what it describes', async () => {
  const own = await startTestAuth();
  try {
    const caller = asCaller(own, { merchantId: newUuid() });
    const { id } = (await caller.post('/v1/api-keys').send({ name: 'Key', scopes: ['payments:read'] })).body;
    await own.sql('alter table audit_events add constraint closed check (false) not valid');
    const created = await caller.post('/v1/api-keys').send({ name: 'Second', scopes: ['payments:read'] });
    const revoked = await caller.delete(`/v1/api-keys/${id}`);
    assert.deepEqual([created.status, revoked.status], [500, 500]);
    assert.deepEqual(await own.sql('select name, revoked_at from api_keys'), [
      { name: 'Key', revoked_at: null },
    ]);
  } finally {
    await own.close();
  }
});
