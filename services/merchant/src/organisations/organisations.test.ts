import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { Client } from 'pg';
import { startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { draft, newDraft, newOrganisation, newPerson } from '../testing/onboarding.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
afterEach(() => service.auth.reset());
after(() => service.close());

/** Auth says that everybody has that role at that hotel. */
function worksAt(merchantId: string, role: string, suspended = false): void {
  service.auth.answers.listMemberships = () => ({
    memberships: [{ merchantId, role, suspended }],
    hasMore: false,
  });
}

test('whoever makes an organisation is its first owner, and its history says so', async () => {
  const { person, userId } = newPerson(service);
  const created = await person.post('/v1/organisations').send({ name: '  Atlas Hotels ' }).expect(201);
  const { id, created_at: createdAt } = created.body;
  assert.deepEqual(created.body, { id, object: 'organisation', name: 'Atlas Hotels', created_at: createdAt });
  assert.equal(created.headers['location'], `/v1/organisations/${id}`);
  assert.deepEqual((await person.get(`/v1/organisations/${id}`).expect(200)).body, created.body);
  const owners = (await person.get(`/v1/organisations/${id}/owners`).expect(200)).body;
  assert.deepEqual(
    owners.data.map((each: { user_id: string }) => each.user_id),
    [userId],
  );
  const renamed = await person.post(`/v1/organisations/${id}`).send({ name: 'Rif Hotels' }).expect(200);
  assert.deepEqual(renamed.body, { ...created.body, name: 'Rif Hotels' });
  await person.post(`/v1/organisations/${id}`).send({ name: 'Rif Hotels' }).expect(200);
  const events = await service.sql(
    'select actor, action, before, after from organisation_events where organisation_id = $1 order by seq',
    [fromPublicId('org', id)],
  );
  const actor = `user:${userId}`;
  assert.deepEqual(events, [
    { actor, action: 'organisation.created', before: null, after: { name: 'Atlas Hotels' } },
    {
      actor,
      action: 'organisation.renamed',
      before: { name: 'Atlas Hotels' },
      after: { name: 'Rif Hotels' },
    },
  ]);
});

test('lists are the person’s own, newest first, page by page', async () => {
  const { person } = newPerson(service);
  await newOrganisation(service);
  const ids: string[] = [];
  for (const name of ['One', 'Two', 'Three'])
    ids.unshift((await person.post('/v1/organisations').send({ name }).expect(201)).body.id);
  const first = (await person.get('/v1/organisations?limit=2').expect(200)).body;
  const rest = (await person.get(`/v1/organisations?limit=2&cursor=${first.next_cursor}`).expect(200)).body;
  assert.deepEqual(
    [...first.data, ...rest.data].map((each: { id: string }) => each.id),
    ids,
  );
  assert.deepEqual([first.has_more, rest.has_more, rest.next_cursor], [true, false, null]);
});

test('its hotels are listed newest first, and nobody else’s', async () => {
  const { person, organisationId } = await newOrganisation(service);
  await newDraft(service);
  const ids: string[] = [];
  for (const name of ['One', 'Two', 'Three'])
    ids.unshift(
      (await person.post('/v1/merchants').send(draft(organisationId, { name })).expect(201)).body.id,
    );
  const path = `/v1/organisations/${organisationId}/merchants`;
  const first = (await person.get(`${path}?limit=2`).expect(200)).body;
  assert.deepEqual(first.data[0], {
    id: ids[0],
    name: 'Three',
    state: 'draft',
    organisation_id: organisationId,
  });
  const rest = (await person.get(`${path}?limit=2&cursor=${first.next_cursor}`).expect(200)).body;
  assert.deepEqual(
    [...first.data, ...rest.data].map((each: { id: string }) => each.id),
    ids,
  );
});

test('owner or admin at one of its hotels can be made an owner, who then sees it and can let the first one go', async () => {
  const { person, userId, organisationId, merchantId } = await newDraft(service);
  const { person: second, userId: secondId } = newPerson(service);
  const path = `/v1/organisations/${organisationId}`;
  await second.get(path).expect(404);
  worksAt(merchantId, 'admin');
  const added = await person.post(`${path}/owners`).send({ user_id: secondId }).expect(201);
  assert.equal(added.body.user_id, secondId);
  assert.deepEqual(
    (await person.post(`${path}/owners`).send({ user_id: secondId }).expect(201)).body,
    added.body,
  );
  await second.get(path).expect(200);
  await second.delete(`${path}/owners/${userId}`).expect(204);
  await person.get(path).expect(404);
  await second.delete(`${path}/owners/${userId}`).expect(404);
  const last = await second.delete(`${path}/owners/${secondId}`).expect(409);
  assert.equal(last.body.code, 'last_owner');
});

test('somebody who leads only the last of many hotels is found, page by page', async () => {
  const { person, organisationId, merchantId } = await newDraft(service);
  const { userId } = newPerson(service);
  service.auth.answers.listMemberships = ({ afterMerchantId }) =>
    afterMerchantId === ''
      ? { memberships: [{ merchantId: newUuid(), role: 'owner', suspended: false }], hasMore: true }
      : { memberships: [{ merchantId, role: 'owner', suspended: false }], hasMore: false };
  await person.post(`/v1/organisations/${organisationId}/owners`).send({ user_id: userId }).expect(201);
});

test('two owners who remove each other at once leave one', async () => {
  const { person, userId, organisationId, merchantId } = await newDraft(service);
  const { person: second, userId: secondId } = newPerson(service);
  worksAt(merchantId, 'owner');
  const path = `/v1/organisations/${organisationId}/owners`;
  await person.post(path).send({ user_id: secondId }).expect(201);
  const answers = await Promise.all([
    person.delete(`${path}/${secondId}`),
    second.delete(`${path}/${userId}`),
  ]);
  assert.deepEqual(answers.map(({ status }) => String(status)).toSorted(), ['204', '404']);
  const left = await service.sql('select 1 from organisation_owners where organisation_id = $1', [
    fromPublicId('org', organisationId),
  ]);
  assert.equal(left.length, 1);
});

describe('refusals', () => {
  test('400: no name, an empty, long or forged one, an unknown field, a query, a bad limit or cursor', async () => {
    const { person, organisationId } = await newOrganisation(service);
    for (const body of [
      {},
      { name: ' ' },
      { name: 'x'.repeat(201) },
      { name: 'a\nb' },
      { name: 'a', id: 'org_1' },
    ])
      for (const path of ['/v1/organisations', `/v1/organisations/${organisationId}`])
        await person.post(path).send(body).expect(400);
    for (const path of [
      '',
      ...['merchants', 'owners', 'audit-log'].map((each) => `/${organisationId}/${each}`),
    ])
      for (const query of ['limit=0', 'limit=1e1', 'cursor=x', 'name=x'])
        await person.get(`/v1/organisations${path}?${query}`).expect(400);
    await person.get(`/v1/organisations/${organisationId}?x=1`).expect(400);
    await person.post(`/v1/organisations/${organisationId}/owners`).send({}).expect(400);
  });

  test('401: no identity, and one of a hotel instead of a person', async () => {
    const { owner, organisationId } = await newDraft(service);
    for (const path of [
      '',
      `/${organisationId}`,
      `/${organisationId}/merchants`,
      `/${organisationId}/owners`,
      `/${organisationId}/audit-log`,
    ])
      await owner.get(`/v1/organisations${path}`).expect(401);
    await owner.post('/v1/organisations').send({ name: 'x' }).expect(401);
    const bare = await fetch(`http://127.0.0.1:${service.service.httpPort}/v1/organisations`);
    assert.equal(bare.status, 401);
    await bare.body?.cancel();
  });

  test('404: somebody else’s organisation, by every route, which stays as it is', async () => {
    const { person, userId, organisationId, merchantId } = await newDraft(service);
    const { person: stranger, userId: strangerId } = await newOrganisation(service);
    worksAt(merchantId, 'owner');
    for (const id of [organisationId, toPublicId('org', newUuid()), 'org_1', '1']) {
      const path = `/v1/organisations/${id}`;
      await stranger.get(path).expect(404);
      await stranger.post(path).send({ name: 'Mine' }).expect(404);
      await stranger.get(`${path}/merchants`).expect(404);
      await stranger.get(`${path}/owners`).expect(404);
      await stranger.get(`${path}/audit-log`).expect(404);
      await stranger.post(`${path}/owners`).send({ user_id: strangerId }).expect(404);
      await stranger.delete(`${path}/owners/${userId}`).expect(404);
    }
    assert.equal(
      (await person.get(`/v1/organisations/${organisationId}`).expect(200)).body.name,
      'Atlas Hotels',
    );
    const owners = (await person.get(`/v1/organisations/${organisationId}/owners`).expect(200)).body;
    assert.equal(owners.data.length, 1);
  });

  test('404: making an owner of a stranger, of staff, of a suspended admin, and of nobody', async () => {
    const { person, organisationId, merchantId } = await newDraft(service);
    const path = `/v1/organisations/${organisationId}/owners`;
    const { userId } = newPerson(service);
    worksAt(newUuid(), 'owner');
    await person.post(path).send({ user_id: userId }).expect(404);
    worksAt(merchantId, 'staff');
    await person.post(path).send({ user_id: userId }).expect(404);
    worksAt(merchantId, 'admin', true);
    await person.post(path).send({ user_id: userId }).expect(404);
    worksAt(merchantId, 'owner');
    await person.post(path).send({ user_id: 'usr_1' }).expect(404);
    await person.delete(`${path}/usr_1`).expect(404);
  });

  test('409: the twenty-first organisation, also of two at once', async () => {
    const { person } = newPerson(service);
    for (let n = 0; n < 19; n += 1)
      await person
        .post('/v1/organisations')
        .send({ name: `O ${n}` })
        .expect(201);
    const answers = await Promise.all(
      [1, 2].map(() => person.post('/v1/organisations').send({ name: 'Last' })),
    );
    assert.deepEqual(answers.map(({ status }) => String(status)).toSorted(), ['201', '409']);
  });

  test('422: a card number in the name', async () => {
    const { person } = newPerson(service);
    await person.post('/v1/organisations').send({ name: 'A 4242 4242 4242 4242' }).expect(422);
  });

  test('503: auth is away, and nobody becomes an owner', async () => {
    const { person, organisationId } = await newDraft(service);
    service.auth.answers.listMemberships = () => {
      throw new Error('gone');
    };
    const { userId } = newPerson(service);
    await person.post(`/v1/organisations/${organisationId}/owners`).send({ user_id: userId }).expect(503);
  });
});

test('the database shows a person their own organisations only, and nobody any without naming a person', async () => {
  const { userId, organisationId } = await newOrganisation(service);
  await newOrganisation(service);
  const own = new Client({ connectionString: service.database.url });
  await own.connect();
  try {
    const count = async (table: string): Promise<number> =>
      (await own.query(`select 1 from ${table}`)).rowCount ?? -1;
    for (const table of ['organisations', 'organisation_owners', 'organisation_events'])
      assert.equal(await count(table), 0, table);
    await own.query(`select set_config('centra.user_id', $1, false)`, [fromPublicId('usr', userId)]);
    assert.equal(await count('organisations'), 1);
    assert.equal(await count('organisation_owners'), 1);
    // Nothing may be put into an organisation that was not opened.
    await assert.rejects(
      own.query('insert into organisation_owners (organisation_id, user_id) values ($1, $2)', [
        fromPublicId('org', organisationId),
        newUuid(),
      ]),
      { code: '42501' },
    );
    assert.equal(await count('organisation_events'), 0);
    await own.query(`select set_config('centra.organisation_id', $1, false)`, [
      fromPublicId('org', organisationId),
    ]);
    assert.equal(await count('organisation_events'), 1, 'the history of the opened one only');
    await assert.rejects(own.query('delete from organisation_events'), { code: '42501' });
  } finally {
    await own.end();
  }
});

test('an owner of the organisation has no right at its hotels by that', async () => {
  const { person, path } = await newDraft(service);
  await person.get(path).expect(401);
  const { person: other } = newPerson(service);
  await other.get(path).expect(401);
});
