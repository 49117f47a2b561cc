import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { connectStripe, newCaller, startTestMerchant, stripeKey } from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

/** The places where a hotel's chain does not hold. */
const brokenAt = (merchantId: string) =>
  service.sql(
    `select seq::int as seq from (
       select e, e.seq, e.hash, e.previous_hash, row_number() over (order by e.seq) as place,
              coalesce(lag(e.hash) over (order by e.seq), decode(repeat('00', 32), 'hex')) as hash_before
         from audit_events as e where merchant_id = $1) as chain
      where seq <> place or previous_hash <> hash_before or hash <> audit_event_hash(e) order by seq`,
    [merchantId],
  );

async function changeALot(): Promise<{ merchantId: string; caller: Caller; id: string }> {
  const { merchantId, caller } = await newCaller(service);
  const id = await connectStripe(caller);
  await caller
    .post(`/v1/provider-accounts/${id}/rotate`)
    .send({ credentials: { secret_key: stripeKey() } })
    .expect(200);
  await caller.post(`/v1/provider-accounts/${id}/test`).send({}).expect(200);
  await caller.delete(`/v1/provider-accounts/${id}`).expect(200);
  return { merchantId, caller, id };
}

test('each change is one row saying who, from where, in which request, and what before and after', async () => {
  const { merchantId, id } = await changeALot();
  const events = await service.sql(
    'select action, actor, address, object_id, request_id, before, after from audit_events where merchant_id = $1 order by seq',
    [merchantId],
  );
  assert.deepEqual(
    events.map((event) => event['action']),
    [
      'merchant.created',
      'data_key.added',
      'provider_account.created',
      'provider_account.rotated',
      'provider_account.tested',
      'provider_account.deleted',
    ],
  );
  for (const event of events.slice(2)) {
    assert.deepEqual(
      [event['actor'], event['address'], event['object_id']],
      ['api_key:key_01jd0000000000000000000000', '203.0.113.7', id],
    );
    assert.match(String(event['request_id']), /^req_/);
  }
  const deleted = events.at(-1);
  assert.match(JSON.stringify(deleted?.['before']), /"status":"active"/);
  assert.match(JSON.stringify(deleted?.['after']), /"status":"deleted"/);
});

test('neither the service’s own role nor a superuser updates, deletes or truncates the history', async () => {
  await changeALot();
  const own = new Client({ connectionString: service.database.url });
  await own.connect();
  try {
    await own.query(`set centra.every_merchant = 'on'`);
    for (const text of [
      `update audit_events set actor = 'nobody'`,
      'delete from audit_events',
      'truncate audit_events',
    ]) {
      await assert.rejects(own.query(text), { code: '42501', message: /permission denied/ }, text);
      await assert.rejects(service.sql(text), { code: '42501' }, text);
    }
  } finally {
    await own.end();
  }
});

test('the rows of a hotel form one unbroken chain, also when written at once', async () => {
  const { merchantId, caller } = await newCaller(service);
  await Promise.all(Array.from({ length: 10 }, () => connectStripe(caller)));
  const rows = await service.sql(
    'select seq::int as seq from audit_events where merchant_id = $1 order by seq',
    [merchantId],
  );
  assert.deepEqual(
    rows,
    Array.from({ length: 12 }, (_, index) => ({ seq: index + 1 })),
  );
  assert.deepEqual(await brokenAt(merchantId), []);
});

test('one altered or removed row is found', async () => {
  const { merchantId } = await changeALot();
  assert.deepEqual(await brokenAt(merchantId), []);
  // Past every guard, as somebody with the disk in hand.
  const tamper = async (text: string): Promise<unknown[]> => {
    await service.sql('begin');
    try {
      await service.sql('set local session_replication_role = replica');
      await service.sql(text, [merchantId]);
      return await brokenAt(merchantId);
    } finally {
      await service.sql('rollback');
    }
  };
  const forged = `update audit_events set after = '{}' where merchant_id = $1 and seq = 3`;
  assert.deepEqual(await tamper(forged), [{ seq: 3 }]);
  const removed = await tamper('delete from audit_events where merchant_id = $1 and seq = 3');
  assert.deepEqual(removed[0], { seq: 4 });
});

test('the chain can be checked outside the database', async () => {
  const { merchantId } = await changeALot();
  const rows = await service.sql(
    `select previous_hash, hash, jsonb_build_array(merchant_id, seq, (extract(epoch from at) * 1000000)::bigint, actor,
       address, request_id, action, object_id, before, after)::text as text
       from audit_events where merchant_id = $1 order by seq`,
    [merchantId],
  );
  assert.equal(rows.length, 6);
  for (const { previous_hash: previous, hash, text } of rows) {
    assert.ok(previous instanceof Buffer);
    assert.deepEqual(createHash('sha256').update(previous).update(String(text)).digest(), hash);
  }
});

test('a change whose history row cannot be written does not happen', async () => {
  const { merchantId, caller } = await newCaller(service);
  const id = await connectStripe(caller);
  await service.sql(
    `alter table audit_events add constraint closed check (merchant_id <> '${merchantId}') not valid`,
  );
  try {
    await caller.delete(`/v1/provider-accounts/${id}`).expect(500);
    await caller.post('/v1/provider-accounts').send({ provider: 'simulator', credentials: {} }).expect(500);
  } finally {
    await service.sql('alter table audit_events drop constraint closed');
  }
  const accounts = await service.sql('select status from provider_accounts where merchant_id = $1', [
    merchantId,
  ]);
  assert.deepEqual(accounts, [{ status: 'active' }]);
});
