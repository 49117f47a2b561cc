import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { Client } from 'pg';
import { z } from 'zod';
import { organisationAuditPageSchema } from '../openapi-organisations.ts';
import { startTestMerchant } from '../test-service.ts';
import type { Caller, Row, TestMerchant } from '../test-service.ts';
import { draft, newDraft, newOrganisation, newPerson } from '../testing/onboarding.ts';
import { organisationEntrySchema } from './list-organisation-audit-log.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
afterEach(() => service.auth.reset());
after(() => service.close());

const pageSchema = organisationAuditPageSchema
  .strict()
  .extend({ data: z.array(organisationEntrySchema.strict()) });

type Entry = z.infer<typeof organisationEntrySchema>;
type Changed = { person: Caller; userId: string; second: string; id: string; merchant: string; path: string };

/** An organisation after one change of each kind. */
async function changeALot(): Promise<Changed> {
  const { person, userId, organisationId: id, merchantId, id: merchant } = await newDraft(service);
  const path = `/v1/organisations/${id}`;
  await person.post(path).send({ name: 'Rif Hotels' }).expect(200);
  service.auth.answers.listMemberships = () => ({
    memberships: [{ merchantId, role: 'admin', suspended: false }],
    hasMore: false,
  });
  const { userId: second } = newPerson(service);
  await person.post(`${path}/owners`).send({ user_id: second }).expect(201);
  await person.delete(`${path}/owners/${second}`).expect(204);
  return { person, userId, second, id, merchant, path: `${path}/audit-log` };
}

async function listAll(person: Caller, path: string, limit = 100): Promise<Entry[]> {
  const entries: Entry[] = [];
  let cursor = '';
  do {
    const page = pageSchema.parse((await person.get(`${path}?limit=${limit}${cursor}`).expect(200)).body);
    assert.ok(page.data.length <= limit);
    assert.equal(page.has_more, page.next_cursor !== null);
    entries.push(...page.data);
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
  } while (cursor !== '');
  return entries;
}

/** The places where an organisation's chain does not hold. */
async function brokenAt(id: string): Promise<Row[]> {
  return await service.sql(
    `select seq::int as seq from (
       select e, e.seq, e.hash, e.previous_hash, row_number() over (order by e.seq) as place,
              coalesce(lag(e.hash) over (order by e.seq), decode(repeat('00', 32), 'hex')) as hash_before
         from organisation_events as e where organisation_id = $1) as chain
      where seq <> place or previous_hash <> hash_before or hash <> organisation_event_hash(e) order by seq`,
    [fromPublicId('org', id)],
  );
}

describe('200', () => {
  test('each change is one entry, newest first: who, from where, in which request, what before and after', async () => {
    const { person, userId, second, id, merchant, path } = await changeALot();
    const entries = await listAll(person, path);
    assert.deepEqual(
      entries.map(({ sequence, action, object_id, before: was, after: is }) => [
        sequence,
        action,
        object_id,
        was,
        is,
      ]),
      [
        [5, 'organisation.owner_removed', second, { user_id: second }, null],
        [4, 'organisation.owner_added', second, null, { user_id: second }],
        [3, 'organisation.renamed', id, { name: 'Atlas Hotels' }, { name: 'Rif Hotels' }],
        [2, 'organisation.merchant_added', merchant, null, { merchant_id: merchant }],
        [1, 'organisation.created', id, null, { name: 'Atlas Hotels' }],
      ],
    );
    for (const { actor, address, request_id: requestId, at } of entries) {
      assert.deepEqual([actor, address], [`user:${userId}`, '203.0.113.7']);
      assert.match(requestId, /^req_/);
      assert.match(at, /\.\d{6}Z$/);
    }
  });

  test('pages of any size show each entry once, also when entries are added in the meantime', async () => {
    const { person, id, path } = await changeALot();
    const whole = await listAll(person, path);
    for (const limit of [1, 2, 5]) assert.deepEqual(await listAll(person, path, limit), whole, String(limit));
    const { body } = await person.get(`${path}?limit=2`).expect(200);
    await person.post(`/v1/organisations/${id}`).send({ name: 'Later' }).expect(200);
    const rest = await person.get(`${path}?cursor=${body.next_cursor}`).expect(200);
    assert.deepEqual([...body.data, ...rest.body.data], whole);
  });

  test('another organisation’s entries are not among them, not even by its cursor', async () => {
    const { person, path } = await changeALot();
    const { body } = await person.get(`${path}?limit=1`).expect(200);
    const other = await newOrganisation(service);
    const otherPath = `/v1/organisations/${other.organisationId}/audit-log`;
    const own = await listAll(other.person, otherPath);
    assert.deepEqual(
      own.map(({ sequence, object_id }) => [sequence, object_id]),
      [[1, other.organisationId]],
    );
    const page = await other.person.get(`${otherPath}?cursor=${body.next_cursor}`).expect(200);
    assert.deepEqual(page.body.data, own);
  });
});

const encoded = (text: string): string => Buffer.from(text).toString('base64url');

describe('400', () => {
  test('what is no number and no cursor, and a filter', async () => {
    const { person, organisationId } = await newOrganisation(service);
    const cases: [query: string, field: string][] = [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['cursor=', 'cursor'],
      ['cursor=abc', 'cursor'],
      ...['0', '-1', '1.5', '1e3', '9'.repeat(16), '1;'].map((each): [string, string] => [
        `cursor=${encoded(each)}`,
        'cursor',
      ]),
      [`cursor=${'a'.repeat(65)}`, 'cursor'],
      ['actor=user:usr_1', 'actor'],
    ];
    for (const [query, field] of cases) {
      const path = `/v1/organisations/${organisationId}/audit-log?${query}`;
      const { body } = await person.get(path).expect(400);
      assert.deepEqual([body.code, body.errors[0].field], ['validation_failed', field], query);
    }
  });
});

test('404 for whoever is not an owner: a stranger, staff of its hotels, and who was one until now', async () => {
  const { person, userId, organisationId, merchantId, owner } = await newDraft(service);
  const path = `/v1/organisations/${organisationId}/audit-log`;
  await person.get(path).expect(200);
  service.auth.answers.listMemberships = () => ({
    memberships: [{ merchantId, role: 'admin', suspended: false }],
    hasMore: false,
  });
  const { person: second, userId: secondId } = newPerson(service);
  assert.equal((await second.get(path).expect(404)).body.code, 'not_found');
  await owner.get(path).expect(401);
  await person.post(`/v1/organisations/${organisationId}/owners`).send({ user_id: secondId }).expect(201);
  await second.get(path).expect(200);
  await second.delete(`/v1/organisations/${organisationId}/owners/${userId}`).expect(204);
  await person.get(path).expect(404);
});

test('405 for anything but reading', async () => {
  const { person, organisationId } = await newOrganisation(service);
  const path = `/v1/organisations/${organisationId}/audit-log`;
  for (const answer of [await person.post(path).send({}), await person.delete(path)])
    assert.deepEqual([answer.status, answer.headers['allow']], [405, 'GET']);
});

test('changes at the same time are one chain without a gap', async () => {
  const { person, organisationId: id } = await newOrganisation(service);
  const names = Array.from({ length: 8 }, (_, nth) => `Name ${nth}`);
  await Promise.all([
    ...names.map((name) => person.post(`/v1/organisations/${id}`).send({ name }).expect(200)),
    ...names.map((name) => person.post('/v1/merchants').send(draft(id, { name })).expect(201)),
  ]);
  const entries = await listAll(person, `/v1/organisations/${id}/audit-log`);
  assert.deepEqual(
    entries.map(({ sequence }) => sequence),
    Array.from({ length: 17 }, (_, nth) => 17 - nth),
  );
  assert.deepEqual(await brokenAt(id), []);
});

test('one altered or removed row is found', async () => {
  const { id } = await changeALot();
  assert.deepEqual(await brokenAt(id), []);
  // Past every guard, as somebody with the disk in hand.
  const tamper = async (text: string): Promise<Row[]> => {
    await service.sql('begin');
    try {
      await service.sql('set local session_replication_role = replica');
      await service.sql(text, [fromPublicId('org', id)]);
      return await brokenAt(id);
    } finally {
      await service.sql('rollback');
    }
  };
  const forged = `update organisation_events set actor = 'user:x' where organisation_id = $1 and seq = 3`;
  assert.deepEqual(await tamper(forged), [{ seq: 3 }]);
  const removed = await tamper('delete from organisation_events where organisation_id = $1 and seq = 3');
  assert.deepEqual(removed[0], { seq: 4 });
});

test('what the list shows is enough to check the chain', async () => {
  const { person, id, path } = await changeALot();
  const entries = (await listAll(person, path)).toReversed();
  let previous = '00'.repeat(32);
  for (const entry of entries) {
    assert.equal(entry.previous_hash, previous);
    const [row] = await service.sql(
      `select jsonb_build_array($1::uuid, $2::bigint, (extract(epoch from $3::timestamptz) * 1000000)::bigint, $4::text,
         $5::text, $6::text, $7::text, $8::text, $9::jsonb, $10::jsonb)::text as text`,
      [
        fromPublicId('org', id),
        entry.sequence,
        entry.at,
        entry.actor,
        entry.address,
        entry.request_id,
        entry.action,
        entry.object_id,
        ...[entry.before, entry.after].map((each) => (each === null ? null : JSON.stringify(each))),
      ],
    );
    const hashed = createHash('sha256').update(Buffer.from(previous, 'hex')).update(String(row?.['text']));
    assert.equal(entry.hash, hashed.digest('hex'));
    previous = entry.hash;
  }
  assert.equal(entries.length, 5);
});

test('neither the service’s own role nor a superuser updates, deletes or truncates the history', async () => {
  const { person, path } = await changeALot();
  const earlier = await listAll(person, path);
  const own = new Client({ connectionString: service.database.url });
  await own.connect();
  try {
    await own.query(`set centra.every_merchant = 'on'`);
    for (const text of [
      `update organisation_events set actor = 'nobody'`,
      'delete from organisation_events',
      'truncate organisation_events',
    ]) {
      await assert.rejects(own.query(text), { code: '42501', message: /permission denied/ }, text);
      await assert.rejects(service.sql(text), { code: '42501', message: /append-only/ }, text);
    }
  } finally {
    await own.end();
  }
  assert.deepEqual(await listAll(person, path), earlier);
});

test('a change whose history row cannot be written does not happen', async () => {
  const { person, organisationId } = await newOrganisation(service);
  const id = fromPublicId('org', organisationId);
  await service.sql(
    `alter table organisation_events add constraint closed check (organisation_id <> '${id}') not valid`,
  );
  try {
    await person.post(`/v1/organisations/${organisationId}`).send({ name: 'Other' }).expect(500);
  } finally {
    await service.sql('alter table organisation_events drop constraint closed');
  }
  const { body } = await person.get(`/v1/organisations/${organisationId}`).expect(200);
  assert.equal(body.name, 'Atlas Hotels');
});
