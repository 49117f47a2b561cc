import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { MerchantState } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { callOptions, newHotel, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { COMPLETE, draft, newDraft, newOrganisation, newPerson } from '../testing/onboarding.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
afterEach(() => service.auth.reset());
after(() => service.close());

test('a registered hotel is a draft of its organisation, with what was said and the rest empty; its maker owns it', async () => {
  const { person, organisationId, userId } = await newOrganisation(service);
  const answer = await person
    .post('/v1/merchants')
    .send(draft(organisationId, { locale: 'fr', profile: { phone: '+212524000000' } }))
    .expect(201);
  const { body } = answer;
  assert.equal(answer.headers['location'], `/v1/merchants/${body.id}`);
  assert.deepEqual(
    [body.object, body.state, body.organisation_id, body.name, body.country, body.locale, body.currencies],
    ['merchant', 'draft', organisationId, 'Riad Atlas', 'MA', 'fr', []],
  );
  assert.deepEqual(
    [body.profile.phone, body.profile.legal_name, body.profile.address.city, body.branding.logo],
    ['+212524000000', null, null, null],
  );
  const merchantId = fromPublicId('mer', body.id) ?? '';
  const granted = service.auth.asked.setMember.find((each) => each.merchantId === merchantId);
  assert.deepEqual([granted?.person?.value, granted?.role], [userId, 'owner']);
  const client = service.client('transaction');
  const seen = await callUnary(client.getMerchant.bind(client), { merchantId }, callOptions());
  assert.equal(seen.state, MerchantState.MERCHANT_STATE_DRAFT);
  assert.deepEqual([toPublicId('org', seen.organisationId), seen.locale], [organisationId, 'fr']);
  const events = await service.sql('select action, actor from audit_events where merchant_id = $1', [
    merchantId,
  ]);
  assert.deepEqual(events, [{ action: 'merchant.created', actor: `user:${userId}` }]);
});

const fields = (body: { errors: { field: string }[] }): string[] => body.errors.map(({ field }) => field);

describe('refusals register nothing', () => {
  test('400 names each field', async () => {
    const { person, organisationId } = await newOrganisation(service);
    const cases: [object, string][] = [
      [{ name: undefined }, 'name'],
      [{ country: 'ma' }, 'country'],
      [{ time_zone: '+01:00' }, 'time_zone'],
      [{ default_currency: 'XXX' }, 'default_currency'],
      [{ state: 'verified' }, 'state'],
      [{ merchant_id: newUuid() }, 'merchant_id'],
      [{ currencies: ['EUR'] }, 'currencies'],
      [{ profile: { legal_name: 'a\u202eb' } }, 'profile.legal_name'],
    ];
    for (const [more, field] of cases) {
      const refused = await person.post('/v1/merchants').send(draft(organisationId, more)).expect(400);
      assert.deepEqual(fields(refused.body), [field], JSON.stringify(more));
    }
    await person.post('/v1/merchants?x=1').send(draft(organisationId)).expect(400);
    assert.deepEqual(
      (await person.get(`/v1/organisations/${organisationId}/merchants`).expect(200)).body.data,
      [],
    );
  });

  test('401: an identity of a hotel is no person; 404: somebody else’s organisation, an unknown and a garbled one', async () => {
    const { organisationId } = await newOrganisation(service);
    const { person: stranger } = newPerson(service);
    const { owner } = await newDraft(service);
    await owner.post('/v1/merchants').send(draft(organisationId)).expect(401);
    for (const id of [organisationId, toPublicId('org', newUuid()), 'org_1', newUuid()])
      await stranger.post('/v1/merchants').send(draft(id)).expect(404);
    const rows = await service.sql('select 1 from merchants where organisation_id = $1', [
      fromPublicId('org', organisationId),
    ]);
    assert.deepEqual(rows, []);
  });

  test('409: the hundred-and-first hotel of an organisation', async () => {
    const { person, organisationId } = await newOrganisation(service);
    await service.sql(
      `insert into merchants (merchant_id, name, country, time_zone, default_currency, organisation_id)
       select gen_random_uuid(), 'Hotel ' || n, 'MA', 'Africa/Casablanca', 'MAD', $1 from generate_series(1, 99) as n`,
      [fromPublicId('org', organisationId)],
    );
    // Two at once: there is room for one of them.
    const answers = await Promise.all(
      [1, 2].map(() => person.post('/v1/merchants').send(draft(organisationId))),
    );
    assert.deepEqual(answers.map(({ status }) => String(status)).toSorted(), ['201', '409']);
  });

  test('422: a card number, and colours that cannot be read', async () => {
    const { person, organisationId } = await newOrganisation(service);
    const card = await person
      .post('/v1/merchants')
      .send(draft(organisationId, { name: 'Riad 4242 4242 4242 4242' }))
      .expect(422);
    assert.equal(card.body.code, 'card_data_not_allowed');
    const colours = { branding: { text_color: '#ffffff', background_color: '#ffffff' } };
    const pale = await person.post('/v1/merchants').send(draft(organisationId, colours)).expect(422);
    assert.equal(pale.body.code, 'contrast_too_low');
  });
});

describe('the hotels that a person works at', () => {
  test('are what auth says, with names and states from here, page by page', async () => {
    const { userId, person } = newPerson(service);
    const { merchantId: own } = await newDraft(service, COMPLETE);
    const other = await newHotel(service);
    const memberships = [
      { merchantId: own, role: 'owner', suspended: false },
      { merchantId: other, role: 'staff', suspended: true },
      // Known to auth alone.
      { merchantId: newUuid(), role: 'admin', suspended: false },
    ];
    service.auth.answers.listMemberships = ({ limit, afterMerchantId }) => {
      const start = memberships.findIndex((each) => each.merchantId === afterMerchantId) + 1;
      return {
        memberships: memberships.slice(start, start + limit),
        hasMore: memberships.length > start + limit,
      };
    };
    const all = (await person.get('/v1/merchants').expect(200)).body;
    assert.deepEqual(
      all.data.map((each: Record<string, unknown>) => [
        each['id'],
        each['state'],
        each['role'],
        each['suspended'],
      ]),
      [
        [toPublicId('mer', own), 'draft', 'owner', false],
        [toPublicId('mer', other), 'verified', 'staff', true],
      ],
    );
    assert.deepEqual([all.data[1].organisation_id, all.has_more, all.next_cursor], [null, false, null]);
    const first = (await person.get('/v1/merchants?limit=1').expect(200)).body;
    assert.equal(first.has_more, true);
    const second = (await person.get(`/v1/merchants?limit=1&cursor=${first.next_cursor}`).expect(200)).body;
    assert.equal(second.data[0].id, toPublicId('mer', other));
    assert.ok(service.auth.asked.listMemberships.every((each) => each.userId === userId));
  });

  test('nobody’s are none; 400 for a limit or cursor that is none, 503 while auth is away', async () => {
    const { person } = newPerson(service);
    assert.deepEqual((await person.get('/v1/merchants').expect(200)).body.data, []);
    for (const query of ['limit=0', 'limit=101', 'cursor=x', 'state=draft'])
      await person.get(`/v1/merchants?${query}`).expect(400);
    service.auth.answers.listMemberships = () => {
      throw new AppError('unavailable');
    };
    const refused = await person.get('/v1/merchants').expect(503);
    assert.equal(refused.body.code, 'unavailable');
  });
});
