import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { asOwner, newComplete, newDraft, newVerified } from '../testing/onboarding.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

describe('400 names the field', () => {
  const cases: [object, string][] = [
    [{ name: null }, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'a\u0007' }, 'name'],
    [{ country: 'UK' }, 'country'],
    [{ country: null }, 'country'],
    [{ time_zone: 'Mars/Base' }, 'time_zone'],
    [{ default_currency: 'mad' }, 'default_currency'],
    [{ default_currency: 'USD', currencies: ['EUR'] }, 'currencies'],
    [{ currencies: ['MAD', 'MAD'] }, 'currencies'],
    [{ currencies: ['MAD', 'XXX'] }, 'currencies.1'],
    [{ currencies: 'MAD' }, 'currencies'],
    [{ methods: ['cash'] }, 'methods.0'],
    [{ methods: ['card', 'card'] }, 'methods'],
    [{ locale: 'de' }, 'locale'],
    [{ locale: null }, 'locale'],
    [{ allowed_origins: ['http://book.example'] }, 'allowed_origins.0'],
    [{ allowed_origins: ['https://a.example', 'https://a.example'] }, 'allowed_origins'],
    [{ statement_descriptor: 'RIAD' }, 'statement_descriptor'],
    [{ statement_descriptor: 'X'.repeat(23) }, 'statement_descriptor'],
    [{ statement_descriptor: '12345 67' }, 'statement_descriptor'],
    [{ statement_descriptor: 'RIAD FÈS' }, 'statement_descriptor'],
    ...['<', '>', '\\', "'", '"', '*', '/', '\n'].map((each): [object, string] => [
      { statement_descriptor: `RIAD ${each} FES` },
      'statement_descriptor',
    ]),
    [{ profile: { business_type: 'casino' } }, 'profile.business_type'],
    [{ profile: { phone: '0524000000' } }, 'profile.phone'],
    [{ profile: { phone: '+0524000000' } }, 'profile.phone'],
    [{ profile: { phone: '+212 524 000000' } }, 'profile.phone'],
    [{ profile: { email: 'front@' } }, 'profile.email'],
    [{ profile: { email: `${'a'.repeat(250)}@x.com` } }, 'profile.email'],
    [{ profile: { website: 'http://www.riad.com' } }, 'profile.website'],
    [{ profile: { website: 'javascript:alert(1)' } }, 'profile.website'],
    [{ profile: { legal_name: 'a\u2066b' } }, 'profile.legal_name'],
    [{ profile: { address: { country: 'Maroc' } } }, 'profile.address.country'],
    [{ profile: { address: { line1: 'x'.repeat(201) } } }, 'profile.address.line1'],
    [{ profile: { address: { street: 'x' } } }, 'profile.address.street'],
    [{ profile: { iban: 'x' } }, 'profile.iban'],
    [{ branding: { primary_color: 'red' } }, 'branding.primary_color'],
    [{ branding: { primary_color: '#fff' } }, 'branding.primary_color'],
    [{ branding: { logo_url: 'https://x.example' } }, 'branding.logo_url'],
    [{ state: 'verified' }, 'state'],
    [{ organisation_id: 'org_1' }, 'organisation_id'],
  ];
  test(`of each of ${cases.length} bad changes, and nothing is changed`, async () => {
    const { owner, path } = await newDraft(service);
    const earlier = (await owner.get(path).expect(200)).body;
    for (const [change, field] of cases) {
      const refused = await owner.post(path).send(change).expect(400);
      assert.deepEqual(
        refused.body.errors.map((error: { field: string }) => error.field).slice(0, 1),
        [field],
        JSON.stringify(change),
      );
    }
    assert.deepEqual((await owner.get(path).expect(200)).body, earlier);
  });

  test('of a query', async () => {
    const { owner, path } = await newDraft(service);
    await owner.get(`${path}?x=1`).expect(400);
    await owner.post(`${path}?x=1`).send({}).expect(400);
  });
});

test('403 without the permission, 404 for another hotel, an unknown one and a garbled id', async () => {
  const { merchantId, userId, path } = await newDraft(service);
  const { owner: other, path: otherPath } = await newDraft(service);
  const reader = asOwner(service, merchantId, userId, { scopes: ['merchants:read'] });
  const blind = asOwner(service, merchantId, userId, { scopes: ['payments:read'] });
  await reader.get(path).expect(200);
  await reader.post(path).send({ name: 'x' }).expect(403);
  await blind.get(path).expect(403);
  for (const id of [path.split('/').at(-1), toPublicId('mer', newUuid()), merchantId, 'mer_1']) {
    await other.get(`/v1/merchants/${id}`).expect(404);
    await other.post(`/v1/merchants/${id}`).send({ name: 'Mine' }).expect(404);
  }
  assert.equal((await other.get(otherPath).expect(200)).body.name, 'Riad Atlas');
  assert.equal((await reader.get(path).expect(200)).body.name, 'Riad Atlas');
});

test('409: what a hotel was submitted and verified by cannot be changed any more; the rest can', async () => {
  const submitted = await newComplete(service);
  await submitted.owner.post(`${submitted.path}/submit`).expect(200);
  for (const { owner, path } of [submitted, await newVerified(service)]) {
    for (const change of [
      { country: 'FR' },
      { profile: { legal_name: 'Other SARL' } },
      { profile: { legal_name: null } },
      { profile: { registration_number: null } },
    ]) {
      const refused = await owner
        .post(path)
        .send({ ...change, locale: 'fr' })
        .expect(409);
      assert.equal(refused.body.code, 'state_conflict', JSON.stringify(change));
    }
    assert.equal((await owner.get(path).expect(200)).body.locale, 'en');
    await owner
      .post(path)
      .send({ country: 'MA', profile: { legal_name: 'Riad Atlas SARL', tax_id: '7' } })
      .expect(200);
  }
});

test('422: card data in any text', async () => {
  const { owner, path } = await newDraft(service);
  for (const change of [
    { name: 'Riad 4242 4242 4242 4242' },
    { profile: { legal_name: '4242424242424242' } },
    { profile: { address: { line1: '4242-4242-4242-4242' } } },
    { statement_descriptor: 'R 4242424242424242' },
  ]) {
    const refused = await owner.post(path).send(change).expect(422);
    assert.equal(refused.body.code, 'card_data_not_allowed');
    assert.doesNotMatch(JSON.stringify(refused.body), /4242/);
  }
});
