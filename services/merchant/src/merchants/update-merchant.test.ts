import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MerchantVerdict } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { asCaller, callOptions, newHotel, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { COMPLETE, newDraft, review } from '../testing/onboarding.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const FULL = {
  name: 'Riad Rif',
  country: 'FR',
  time_zone: 'Europe/Paris',
  default_currency: 'EUR',
  currencies: ['EUR', 'USD'],
  methods: ['card', 'paypal'],
  statement_descriptor: 'RIAD RIF & SPA',
  locale: 'ar',
  allowed_origins: ['https://a.example', 'https://b.example'],
  profile: {
    legal_name: 'Riad Rif SARL',
    registration_number: 'RC 1',
    tax_id: 'ICE 2',
    business_type: 'guest_house',
    website: 'https://www.riad-rif.com/fr',
    phone: '+33123456789',
    email: 'desk@riad-rif.com',
    address: {
      line1: '1 rue du Port',
      line2: 'Bât. B',
      city: 'Sète',
      region: 'Occitanie',
      postal_code: '34200',
      country: 'FR',
    },
  },
  branding: {
    primary_color: '#0b5394',
    on_primary_color: '#ffffff',
    background_color: '#fafafa',
    text_color: '#222222',
  },
} as const;

test('what is sent is stored and shown, everywhere; what is not sent stays; null clears', async () => {
  const { owner, path, merchantId } = await newDraft(service);
  const full = (await owner.post(path).send(FULL).expect(200)).body;
  const { branding, ...rest } = FULL;
  for (const [name, value] of Object.entries(rest)) assert.deepEqual(full[name], value, name);
  assert.deepEqual(full.branding, { ...branding, logo_url: null, logo: null });
  assert.deepEqual((await owner.get(path).expect(200)).body, full);
  const client = service.client('payment-api');
  const seen = await callUnary(client.getMerchant.bind(client), { merchantId }, callOptions());
  assert.deepEqual(
    [seen.name, seen.timeZone, seen.locale, seen.statementDescriptor, seen.allowedOrigins],
    ['Riad Rif', 'Europe/Paris', 'ar', 'RIAD RIF & SPA', FULL.allowed_origins],
  );
  const cleared = await owner
    .post(path)
    .send({
      currencies: null,
      methods: null,
      statement_descriptor: null,
      allowed_origins: null,
      profile: { tax_id: null, address: { line2: null } },
      branding: { text_color: null },
    })
    .expect(200);
  assert.deepEqual(
    [
      cleared.body.currencies,
      cleared.body.methods,
      cleared.body.statement_descriptor,
      cleared.body.allowed_origins,
    ],
    [[], [], null, []],
  );
  assert.deepEqual(cleared.body.profile, {
    ...FULL.profile,
    tax_id: null,
    address: { ...FULL.profile.address, line2: null },
  });
  assert.equal(cleared.body.branding.text_color, null);
  assert.equal(cleared.body.branding.primary_color, '#0b5394');
  const moved = (
    await owner
      .post(path)
      .send({ profile: { address: null } })
      .expect(200)
  ).body;
  assert.equal(moved.profile.address.city, null);
  assert.equal(moved.profile.legal_name, 'Riad Rif SARL');
});

test('a change is in the history with what it was and is, and nothing besides; no change is not', async () => {
  const { owner, path, merchantId, userId } = await newDraft(service, COMPLETE);
  const earlier = (await owner.get(path).expect(200)).body;
  await owner
    .post(path)
    .send({ name: 'Riad Atlas', currencies: ['MAD', 'EUR'] })
    .expect(200);
  await owner.post(path).send({}).expect(200);
  assert.equal((await owner.get(path).expect(200)).body.updated_at, earlier.updated_at);
  await owner.post(path).send({ name: 'Dar Atlas', locale: 'es' }).expect(200);
  const events = await service.sql(
    `select actor, address, object_id, before, after from audit_events
      where merchant_id = $1 and action = 'merchant.updated'`,
    [merchantId],
  );
  assert.deepEqual(events, [
    {
      actor: `user:${userId}`,
      address: '203.0.113.7',
      object_id: toPublicId('mer', merchantId),
      before: { name: 'Riad Atlas', locale: 'en' },
      after: { name: 'Dar Atlas', locale: 'es' },
    },
  ]);
});

test('changes of different members at once are all kept', async () => {
  const { owner, path } = await newDraft(service);
  await Promise.all([
    owner
      .post(path)
      .send({ profile: { legal_name: 'A' } })
      .expect(200),
    owner
      .post(path)
      .send({ profile: { phone: '+33123456789' } })
      .expect(200),
    owner.post(path).send({ locale: 'fr' }).expect(200),
    owner
      .post(path)
      .send({ branding: { text_color: '#000000' } })
      .expect(200),
  ]);
  const { body } = await owner.get(path).expect(200);
  assert.deepEqual(
    [body.profile.legal_name, body.profile.phone, body.locale, body.branding.text_color],
    ['A', '+33123456789', 'fr', '#000000'],
  );
});

test('an operator’s hotel, which has no organisation, is shown and changed like any other', async () => {
  const merchantId = await newHotel(service);
  const caller = asCaller(service, { merchantId, scopes: ['merchants:read', 'merchants:write'] });
  const path = `/v1/merchants/${toPublicId('mer', merchantId)}`;
  const { body } = await caller.get(path).expect(200);
  assert.deepEqual([body.organisation_id, body.state, body.state_reason], [null, 'verified', null]);
  assert.equal((await caller.post(path).send({ locale: 'fr' }).expect(200)).body.locale, 'fr');
  await review(service, merchantId, MerchantVerdict.MERCHANT_VERDICT_SUSPEND);
  assert.equal((await caller.get(path).expect(200)).body.state, 'suspended');
});
